using System.Net;
using System.Text;

namespace Macula.Transport;

/// <summary>Where an endpoint binds and within which limits it works. Immutable once bound.</summary>
public sealed record EndpointOptions
{
    /// <summary>The address to bind. Default: any IPv4 address, a port that the system chooses (0).</summary>
    /// <remarks>An IPv6 any-address binds both families.</remarks>
    public IPEndPoint LocalEndPoint { get; init; } = new(IPAddress.Any, 0);

    /// <summary>The application protocol of every connection, as TLS ALPN (RFC 7301). Default "macula/1".</summary>
    public string ApplicationProtocol { get; init; } = "macula/1";

    /// <summary>Called with each packet that is not QUIC (first two bits 00, RFC 9443 §3), on the transport's own thread. Null: such packets are counted and dropped.</summary>
    /// <remarks>It must return at once, must not throw, and must not keep the span.</remarks>
    public RawPacketHandler? RawPackets { get; init; }

    /// <summary>Longest silence before a connection is closed. Default 45 s; range 1 s to 10 min.</summary>
    /// <remarks>The smaller of both sides' values applies (RFC 9000 §10.1).</remarks>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Silence after which a packet is sent to keep a connection. Default 15 s: two may be lost within the idle timeout. Range 100 ms to 10 min.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Longest time from the first packet to the end of the TLS handshake. Default 10 s; range 100 ms to 1 min.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most connections, both roles together, handshakes included. Default 10,000. Beyond it, incoming ones are dropped unanswered and dials fail with <see cref="Wire.Errors.ErrorCode.LimitExceeded"/>.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Most accepted connections that nobody has taken yet with <see cref="TransportEndpoint.AcceptConnectionAsync"/>. Default 256. Beyond it, new ones are closed with <see cref="Wire.Errors.ErrorCode.LimitExceeded"/>.</summary>
    public int AcceptBacklog { get; init; } = 256;

    /// <summary>Most streams of each direction that the other side may have open at once. Default 256; range 1 to 65,536.</summary>
    /// <remarks>Whoever opens more waits (RFC 9000 §4.6).</remarks>
    public int MaxIncomingStreams { get; init; } = 256;

    /// <summary>Most bytes that a stream holds for a reader who does not read. Default 1 MiB; range 16 KiB to 64 MiB.</summary>
    public int StreamReceiveWindowBytes { get; init; } = 1 << 20;

    /// <summary>Most bytes that a connection holds over all its streams. Default 8 MiB; at least the stream's window.</summary>
    public int ConnectionReceiveWindowBytes { get; init; } = 8 << 20;

    /// <summary>Most bytes that a stream holds which were written and not yet acknowledged. Default 1 MiB; range 16 KiB to 64 MiB. A writer beyond it waits.</summary>
    public int StreamSendBufferBytes { get; init; } = 1 << 20;

    /// <summary>Most datagrams that wait in each direction of a connection. Default 256. Beyond it the newest is dropped and counted.</summary>
    public int DatagramQueueLength { get; init; } = 256;

    /// <summary>Checks every option against its range. Transports do, before they bind anything.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        const int LeastStreamBytes = 16 << 10;
        const int MostStreamBytes = 64 << 20;
        const int MostStreams = 65_536;
        Check(IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10), nameof(IdleTimeout));
        Check(KeepAliveInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10), nameof(KeepAliveInterval));
        Check(HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), nameof(HandshakeTimeout));
        Check(MaxConnections, 1, int.MaxValue, nameof(MaxConnections));
        Check(AcceptBacklog, 1, int.MaxValue, nameof(AcceptBacklog));
        Check(MaxIncomingStreams, 1, MostStreams, nameof(MaxIncomingStreams));
        Check(StreamReceiveWindowBytes, LeastStreamBytes, MostStreamBytes, nameof(StreamReceiveWindowBytes));
        Check(ConnectionReceiveWindowBytes, StreamReceiveWindowBytes, int.MaxValue, nameof(ConnectionReceiveWindowBytes));
        Check(StreamSendBufferBytes, LeastStreamBytes, MostStreamBytes, nameof(StreamSendBufferBytes));
        Check(DatagramQueueLength, 1, int.MaxValue, nameof(DatagramQueueLength));

        // RFC 7301 §3.1: a protocol name has 1 to 255 bytes.
        if (ApplicationProtocol.Length is 0 or > byte.MaxValue || !Ascii.IsValid(ApplicationProtocol))
        {
            throw new ArgumentException($"{nameof(ApplicationProtocol)} has 1 to 255 ASCII characters.");
        }

        static void Check<T>(T value, T least, T most, string name)
            where T : IComparable<T>
        {
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            {
                throw new ArgumentOutOfRangeException(name, $"{name} is {value}; it ranges from {least} to {most}.");
            }
        }
    }
}

/// <summary>Takes a packet that is not QUIC. Called on the transport's own thread: see <see cref="EndpointOptions.RawPackets"/>.</summary>
/// <param name="packet">The packet; valid during the call only.</param>
/// <param name="source">Where it says that it comes from, which proves nothing.</param>
public delegate void RawPacketHandler(ReadOnlySpan<byte> packet, IPEndPoint source);
