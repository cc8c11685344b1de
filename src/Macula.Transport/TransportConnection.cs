using System.Net;

namespace Macula.Transport;

/// <summary>Which side of a connection an endpoint is.</summary>
public enum ConnectionRole
{
    /// <summary>This endpoint dialled.</summary>
    Dialler,

    /// <summary>This endpoint was dialled.</summary>
    Acceptor,
}

/// <summary>Which ways bytes go on a stream.</summary>
public enum StreamDirection
{
    /// <summary>Both sides send.</summary>
    Bidirectional,

    /// <summary>Only the side that opened it sends.</summary>
    Unidirectional,
}

/// <summary>A secured connection between two endpoints: streams, datagrams, and the carrier that takes its packets.</summary>
/// <remarks>
/// Members may be called from any thread. When the connection ends, everything pending on it and its streams ends with
/// <see cref="ConnectionClosedException"/>; nothing waits for ever.
/// </remarks>
public abstract class TransportConnection : IAsyncDisposable
{
    /// <summary>Most bytes of a reason that are kept of a close; longer ones are cut.</summary>
    public const int MaxCloseReasonBytes = 256;

    /// <summary>The largest code of a close, a reset or a stop: what a variable-length integer holds (RFC 9000 §16).</summary>
    public const ulong MaxCode = (1UL << 62) - 1;

    /// <summary>Which side this is.</summary>
    public abstract ConnectionRole Role { get; }

    /// <summary>The server name of the dial (RFC 6066 §3), on both sides the same.</summary>
    public abstract string ServerName { get; }

    /// <summary>The DER certificates that the other side showed, its own first. TLS proved that it holds the first one's key, and nothing else about them.</summary>
    public abstract IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates { get; }

    /// <summary>The remote address of the path on which the connection was born. Constant for its life, and what QUIC sees.</summary>
    public abstract IPEndPoint BirthRemoteEndPoint { get; }

    /// <summary>What takes this side's packets now.</summary>
    public abstract Carrier Carrier { get; }

    /// <summary>Smoothed round-trip time as the transport measures it; zero before the first sample.</summary>
    public abstract TimeSpan RoundTripTime { get; }

    /// <summary>Has this side's packets take another carrier from now on. QUIC does not notice.</summary>
    /// <remarks>The caller has proven, by an authenticated round trip, that the other side is reached there (DESIGN: paths).</remarks>
    public abstract void UseCarrier(Carrier carrier);

    /// <summary>Opens a stream; waits while the other side allows no more.</summary>
    /// <exception cref="ConnectionClosedException">The connection ended.</exception>
    /// <exception cref="OperationCanceledException">The token fired; no stream was opened.</exception>
    /// <remarks>The other side learns of the stream with its first bytes or its end.</remarks>
    public abstract ValueTask<TransportStream> OpenStreamAsync(StreamDirection direction, CancellationToken cancellationToken = default);

    /// <summary>Takes the next stream that the other side opened, in the order of their first arrival.</summary>
    /// <returns>The stream; null when the connection was closed in good order, by either side.</returns>
    /// <exception cref="ConnectionClosedException">The connection broke.</exception>
    /// <remarks>One caller at a time. Streams nobody takes count against <see cref="EndpointOptions.MaxIncomingStreams"/>.</remarks>
    public abstract ValueTask<TransportStream?> AcceptStreamAsync(CancellationToken cancellationToken = default);

    /// <summary>Queues a datagram (RFC 9221): it may be lost, and arrives whole or not at all.</summary>
    /// <param name="datagram">1 to <see cref="MaxDatagramBytes"/> bytes; copied.</param>
    /// <returns>False when the queue is full or the connection has ended; the datagram is dropped and counted.</returns>
    /// <exception cref="ArgumentException">It is empty or too long.</exception>
    public abstract bool TrySendDatagram(ReadOnlySpan<byte> datagram);

    /// <summary>The largest datagram that fits one packet of this connection now; at least 1,100.</summary>
    public abstract int MaxDatagramBytes { get; }

    /// <summary>Takes the next datagram; null when the connection has ended. One caller at a time.</summary>
    public abstract ValueTask<ReadOnlyMemory<byte>?> ReceiveDatagramAsync(CancellationToken cancellationToken = default);

    /// <summary>Closes the connection at once and tells the other side why. What streams still hold is dropped. Later calls do nothing.</summary>
    /// <param name="code">The application's code, as the other side will see it; at most <see cref="MaxCode"/>.</param>
    /// <param name="reason">For people; cut at <see cref="MaxCloseReasonBytes"/> bytes of UTF-8.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is larger than <see cref="MaxCode"/>.</exception>
    public abstract void Close(ulong code, string reason);

    /// <summary>Completes when the connection has ended, by whomever, and says how. May be called more than once.</summary>
    public abstract ValueTask<ConnectionEnd> WaitForEndAsync(CancellationToken cancellationToken = default);

    /// <summary>Closes with code 0 if the connection is open.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Who ended a connection.</summary>
public enum ConnectionEndOrigin
{
    /// <summary>This side's application closed it.</summary>
    Local,

    /// <summary>The other side's application closed it.</summary>
    Remote,

    /// <summary>The other side, or this one, found the protocol of the transport violated; or TLS failed.</summary>
    Transport,

    /// <summary>Nothing arrived for as long as the idle timeout, or the other side forgot the connection.</summary>
    Silence,
}

/// <summary>How a connection ended.</summary>
/// <param name="Origin">Who ended it.</param>
/// <param name="Code">The application's code, or the transport's (RFC 9000 §20); 0 for silence.</param>
/// <param name="Reason">What the side that ended it said, cut and freed of control characters; may be empty.</param>
public sealed record ConnectionEnd(ConnectionEndOrigin Origin, ulong Code, string Reason);
