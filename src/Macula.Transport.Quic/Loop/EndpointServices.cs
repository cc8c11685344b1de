using Macula.Transport.Execution;
using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Tls;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic.Loop;

/// <summary>What the loop, its connections and the endpoint's face share. Made once per endpoint.</summary>
internal sealed class EndpointServices : IDisposable
{
    private readonly Lock _rawGate = new();
    private volatile bool _isClosed;
    private bool _rawClosed;

    public required EndpointOptions Options { get; init; }

    public required MeshScheduler Scheduler { get; init; }

    public required ILogger Logger { get; init; }

    public required UdpSocket Socket { get; init; }

    public required LoopQueue Queue { get; init; }

    public required TlsContext Tls { get; init; }

    public required ConnectionlessReplies Replies { get; init; }

    public required RefusalLog Refusals { get; init; }

    public required EndpointStatistics Statistics { get; init; }

    /// <summary>Connections whose handshake is done and which nobody took yet.</summary>
    public required Handoff<QuicConnection> Accepted { get; init; }

    public IdentityTable Identities { get; } = new();

    public required PacketBatch Batch { get; init; }

    public required ConnectionTable Connections { get; init; }

    public TimerHeap Timers { get; } = new();

    public LoopClock Clock { get; } = new();

    public DirtyList Dirty { get; } = new();

    /// <summary>True once the endpoint takes and makes no more connections. Written by the loop.</summary>
    public bool IsClosed
    {
        get => _isClosed;
        set => _isClosed = value;
    }

    /// <summary>Handshakes that clients have begun and not ended. On the loop's thread.</summary>
    public int HalfOpen { get; set; }

    /// <summary>Sends a packet past the loop. From any thread.</summary>
    public bool TrySendRaw(ReadOnlySpan<byte> packet, in Native.NativeAddress destination)
    {
        // The lock keeps the socket's number from being another file's by the time that the system looks at it.
        lock (_rawGate)
        {
            if (_rawClosed || !Socket.TrySend(packet, in destination))
            {
                return false;
            }
        }

        Statistics.RawPacketSent();
        return true;
    }

    /// <summary>Frees what is native. On the loop's thread, when no connection is left.</summary>
    public void Dispose()
    {
        lock (_rawGate)
        {
            _rawClosed = true;
            Socket.Dispose();
        }

        Queue.Dispose();
        Batch.Dispose();
        Replies.Dispose();
        Identities.Dispose();
        Tls.Dispose();
    }
}
