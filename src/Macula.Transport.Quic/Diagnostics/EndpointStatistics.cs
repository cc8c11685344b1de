namespace Macula.Transport.Quic.Diagnostics;

/// <summary>The numbers behind <see cref="EndpointCounters"/>.</summary>
/// <remarks>Written by the loop's thread, but for what says otherwise; read from any.</remarks>
internal sealed class EndpointStatistics
{
    private long _datagramsDropped;
    private long _packetsDropped;
    private long _rawPacketsSent;

    public long ConnectionsOpen;
    public long HandshakesCompleted;
    public long HandshakesFailed;
    public long ConnectionsRefused;
    public long PacketsReceived;
    public long PacketsSent;

    /// <summary>Counts a datagram that found its queue full. From any thread.</summary>
    public void DatagramDropped() => Interlocked.Increment(ref _datagramsDropped);

    /// <summary>Counts a packet that was sent past the loop. From any thread.</summary>
    public void RawPacketSent() => Interlocked.Increment(ref _rawPacketsSent);

    /// <summary>Counts a packet that belonged to nothing.</summary>
    public void PacketDropped() => _packetsDropped++;

    /// <summary>A copy of all numbers.</summary>
    public EndpointCounters Read() => new()
    {
        ConnectionsOpen = Volatile.Read(ref ConnectionsOpen),
        HandshakesCompleted = Volatile.Read(ref HandshakesCompleted),
        HandshakesFailed = Volatile.Read(ref HandshakesFailed),
        ConnectionsRefused = Volatile.Read(ref ConnectionsRefused),
        PacketsReceived = Volatile.Read(ref PacketsReceived),
        PacketsSent = Volatile.Read(ref PacketsSent) + Volatile.Read(ref _rawPacketsSent),
        PacketsDropped = Volatile.Read(ref _packetsDropped),
        DatagramsDropped = Volatile.Read(ref _datagramsDropped),
    };
}
