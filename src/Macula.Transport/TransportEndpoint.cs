using System.Net;

namespace Macula.Transport;

/// <summary>One local address through which connections are accepted and dialled, and raw packets sent.</summary>
/// <remarks>Members may be called from any thread. No callback of the application ever runs on the transport's threads, except <see cref="EndpointOptions.RawPackets"/>.</remarks>
public abstract class TransportEndpoint : IAsyncDisposable
{
    /// <summary>The address that is bound, with the port that the system chose.</summary>
    public abstract IPEndPoint LocalEndPoint { get; }

    /// <summary>The addresses at which other machines, or this one, may reach the endpoint, the preferred one first: the bound address, or for an unspecified one those of the machine.</summary>
    /// <remarks>Candidates: a firewall or translator may stand before them. Loopback comes last. Costs a few system calls.</remarks>
    public IReadOnlyList<IPEndPoint> FindCandidates()
    {
        var bound = LocalEndPoint;
        var isUnspecified = bound.Address.Equals(IPAddress.Any) || bound.Address.Equals(IPAddress.IPv6Any);
        return isUnspecified ? [.. FindHostAddresses().Select(address => new IPEndPoint(address, bound.Port))] : [bound];
    }

    /// <summary>What happened on this endpoint so far; a consistent-enough copy, cheap to take.</summary>
    public abstract EndpointCounters Counters { get; }

    /// <summary>Starts to accept connections that name this identity's server name, and replaces the identity that had that name before.</summary>
    /// <exception cref="ArgumentException">Key and certificate cannot be used.</exception>
    /// <remarks>An endpoint without identities accepts nothing. Connections that are open keep what they were opened with.</remarks>
    public abstract void Serve(TlsIdentity identity);

    /// <summary>Ends what <see cref="Serve"/> began: from now on a dial that sends this name meets what one for a name that was never served meets ([TRN-2]). Does nothing for a name that is not served.</summary>
    /// <param name="serverName">The name of the identity, compared without regard to case.</param>
    /// <remarks>Connections that are open go on. One whose handshake had chosen the identity before may still arrive at <see cref="AcceptConnectionAsync"/>.</remarks>
    public abstract void Withdraw(string serverName);

    /// <summary>Takes the next connection whose TLS handshake is done and whose other side has shown that it holds its certificate's key.</summary>
    /// <returns>A connection whose certificate <b>nobody has judged yet</b>; null when the endpoint is closed.</returns>
    /// <remarks>What the other side has sent already waits in its streams, bounded by their windows. One caller at a time.</remarks>
    public abstract ValueTask<TransportConnection?> AcceptConnectionAsync(CancellationToken cancellationToken = default);

    /// <summary>Dials an address and completes the TLS handshake, with <paramref name="identity"/> as client certificate and its server name as SNI.</summary>
    /// <returns>A connection whose certificate <b>nobody has judged yet</b>, and which the other side may still refuse.</returns>
    /// <exception cref="DialException">Nobody answered in time, or the handshake was refused; the code says which.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the attempt is closed.</exception>
    public abstract ValueTask<TransportConnection> DialAsync(IPEndPoint remote, TlsIdentity identity, CancellationToken cancellationToken = default);

    /// <summary>Finds the addresses of a host.</summary>
    /// <param name="host">A host name, or an IP address without brackets.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>At least one address.</returns>
    /// <exception cref="DialException">The name is unknown, or nobody could be asked.</exception>
    public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        return IPAddress.TryParse(host, out var address) ? ValueTask.FromResult<IReadOnlyList<IPAddress>>([address]) : ResolveNameAsync(host, cancellationToken);
    }

    /// <summary>Sends a packet that is not QUIC from this endpoint's address, at once or not at all.</summary>
    /// <param name="packet">1 to 1,452 bytes, the first two bits 00 (RFC 9443 §3).</param>
    /// <param name="destination">Where to.</param>
    /// <returns>False when it was not handed to the network: its queue is full, or the endpoint is closed.</returns>
    /// <exception cref="ArgumentException">The packet is too long, empty, or could be taken for QUIC.</exception>
    public abstract bool TrySendRaw(ReadOnlySpan<byte> packet, IPEndPoint destination);

    /// <summary>Closes every connection with <see cref="Wire.Errors.ErrorCode.ShuttingDown"/>, then the address. Pending operations end with an exception.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>The machine's addresses of the families that the endpoint has bound: see <see cref="FindCandidates"/>.</summary>
    protected abstract IReadOnlyList<IPAddress> FindHostAddresses();

    /// <summary>Asks whoever knows names: see <see cref="ResolveAsync"/>.</summary>
    /// <inheritdoc cref="ResolveAsync"/>
    protected abstract ValueTask<IReadOnlyList<IPAddress>> ResolveNameAsync(string host, CancellationToken cancellationToken);

    /// <summary>Checks what every implementation asks of a raw packet.</summary>
    /// <exception cref="ArgumentException">See <see cref="TrySendRaw"/>.</exception>
    protected static void ValidateRawPacket(ReadOnlySpan<byte> packet)
    {
        // What fits an Ethernet frame under IPv6 without fragments: 1500 - 40 - 8.
        const int MaxRawPacketBytes = 1452;
        if (packet.Length is 0 or > MaxRawPacketBytes)
        {
            throw new ArgumentException($"A raw packet has 1 to {MaxRawPacketBytes} bytes, not {packet.Length}.", nameof(packet));
        }

        if ((packet[0] & 0xC0) != 0)
        {
            throw new ArgumentException("A raw packet begins with two zero bits; this one could be taken for QUIC.", nameof(packet));
        }
    }
}

/// <summary>What happened on an endpoint since it was bound.</summary>
public readonly record struct EndpointCounters
{
    /// <summary>Connections that are open now, handshakes included.</summary>
    public long ConnectionsOpen { get; init; }

    /// <summary>TLS handshakes completed, both roles.</summary>
    public long HandshakesCompleted { get; init; }

    /// <summary>TLS handshakes that failed or ran out of time, both roles.</summary>
    public long HandshakesFailed { get; init; }

    /// <summary>Connections dropped or closed since a limit was reached.</summary>
    public long ConnectionsRefused { get; init; }

    /// <summary>Packets that arrived.</summary>
    public long PacketsReceived { get; init; }

    /// <summary>Packets handed to the network.</summary>
    public long PacketsSent { get; init; }

    /// <summary>Packets that arrived and belonged to nothing.</summary>
    public long PacketsDropped { get; init; }

    /// <summary>Datagrams dropped since a queue was full.</summary>
    public long DatagramsDropped { get; init; }
}
