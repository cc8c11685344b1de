using Macula.Transport.Quic.Native;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic.Diagnostics;

/// <summary>Why something from the network was turned away.</summary>
internal enum Refusal
{
    /// <summary>The client named a server name that nobody serves here.</summary>
    UnknownServerName,

    /// <summary>A handshake failed, for the reason in the detail.</summary>
    HandshakeFailed,

    /// <summary>A handshake did not end in time.</summary>
    HandshakeTimeout,

    /// <summary>The other side's certificates are too many or too long.</summary>
    CertificateTooLarge,

    /// <summary><see cref="EndpointOptions.MaxConnections"/> are open.</summary>
    ConnectionLimit,

    /// <summary><see cref="EndpointOptions.AcceptBacklog"/> connections wait to be taken.</summary>
    AcceptBacklog,

    /// <summary>A retry token was forged, too old, or another address's.</summary>
    RetryToken,

    /// <summary>The other side broke the transport's protocol.</summary>
    ProtocolViolation,
}

/// <summary>Writes one line per kind of refusal and interval, however many there are. On the loop's thread.</summary>
internal sealed class RefusalLog(ILogger logger)
{
    /// <summary>Time between two lines of a kind: an attack fills no disk, and an operator who looks sees it.</summary>
    public const ulong IntervalNanoseconds = 10_000_000_000;

    private readonly ulong[] _silentUntil = new ulong[Enum.GetValues<Refusal>().Length];
    private readonly long[] _counts = new long[Enum.GetValues<Refusal>().Length];

    public void Note(Refusal refusal, in NativeAddress remote, string detail, ulong now)
    {
        var kind = (int)refusal;
        _counts[kind]++;
        if (now < _silentUntil[kind])
        {
            return;
        }

        _silentUntil[kind] = now + IntervalNanoseconds;
        if (logger.IsEnabled(LogLevel.Warning))
        {
            logger.Refused(refusal, _counts[kind], remote.ToEndPoint(), detail);
        }

        _counts[kind] = 0;
    }
}
