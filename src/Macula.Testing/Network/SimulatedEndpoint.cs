using System.Net;
using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;

namespace Macula.Testing.Network;

/// <summary>An endpoint on a simulated host.</summary>
internal sealed class SimulatedEndpoint : TransportEndpoint
{
    private readonly Dictionary<string, TlsIdentity> _identities = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<long, SimulatedConnection> _connections = [];
    private readonly Mailbox<TransportConnection> _accepted;
    private bool _closed;
    private long _handshakesCompleted;
    private long _handshakesFailed;
    private long _connectionsRefused;
    private long _packetsReceived;
    private long _packetsSent;
    private long _packetsDropped;
    private long _datagramsDropped;

    public SimulatedEndpoint(SimulatedHost host, EndpointOptions options, MeshScheduler scheduler)
    {
        Host = host;
        Options = options;
        Scheduler = scheduler;
        LocalEndPoint = host.Bind(this, options.LocalEndPoint);
        PublicEndPoint = new IPEndPoint(IsLoopback ? LocalEndPoint.Address : host.Address, LocalEndPoint.Port);
        _accepted = new Mailbox<TransportConnection>(scheduler, options.AcceptBacklog);
    }

    public override IPEndPoint LocalEndPoint { get; }

    public override EndpointCounters Counters => new()
    {
        ConnectionsOpen = _connections.Count,
        HandshakesCompleted = _handshakesCompleted,
        HandshakesFailed = _handshakesFailed,
        ConnectionsRefused = _connectionsRefused,
        PacketsReceived = _packetsReceived,
        PacketsSent = _packetsSent,
        PacketsDropped = _packetsDropped,
        DatagramsDropped = _datagramsDropped,
    };

    public SimulatedHost Host { get; }

    public SimulatedNetwork Network => Host.Network;

    public VirtualWorld World => Host.Network.World;

    public EndpointOptions Options { get; }

    public MeshScheduler Scheduler { get; }

    /// <summary>The address that others see.</summary>
    public IPEndPoint PublicEndPoint { get; }

    public bool IsLoopback => IPAddress.IsLoopback(LocalEndPoint.Address);

    public override void Serve(TlsIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        Validate(identity);
        if (identity.CertificateChain.Count == 0)
        {
            throw new ArgumentException($"The {identity} has no certificate.", nameof(identity));
        }

        _identities[identity.ServerName] = identity;
    }

    public override void Withdraw(string serverName)
    {
        ArgumentNullException.ThrowIfNull(serverName);
        _identities.Remove(serverName);
    }

    public override ValueTask<TransportConnection?> AcceptConnectionAsync(CancellationToken cancellationToken = default) => _accepted.TakeAsync(cancellationToken);

    public override ValueTask<TransportConnection> DialAsync(IPEndPoint remote, TlsIdentity identity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        ArgumentNullException.ThrowIfNull(identity);
        Validate(identity);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TransportConnection>(cancellationToken);
        }

        if (_closed)
        {
            return Refuse(ErrorCode.ShuttingDown, "The endpoint is closed.");
        }

        if (_connections.Count >= Options.MaxConnections)
        {
            _connectionsRefused++;
            return Refuse(ErrorCode.LimitExceeded, $"The endpoint has {Options.MaxConnections} connections, which is its limit (MaxConnections).");
        }

        var connection = new SimulatedConnection(this, ConnectionRole.Dialler, identity, remote);
        _connections.Add(connection.Number, connection);
        return connection.Handshake!.DialAsync(cancellationToken);

        static ValueTask<TransportConnection> Refuse(ErrorCode code, string message) =>
            ValueTask.FromException<TransportConnection>(new DialException(code, message));
    }

    public override bool TrySendRaw(ReadOnlySpan<byte> packet, IPEndPoint destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ValidateRawPacket(packet);
        if (_closed)
        {
            return false;
        }

        new RawPacket(this, destination, packet.ToArray()).Send();
        return true;
    }

    protected override IReadOnlyList<IPAddress> FindHostAddresses() => [Host.Address];

    protected override ValueTask<IReadOnlyList<IPAddress>> ResolveNameAsync(string host, CancellationToken cancellationToken) =>
        Network.AddressesOf(host) is { Count: > 0 } addresses
            ? ValueTask.FromResult(addresses)
            : ValueTask.FromException<IReadOnlyList<IPAddress>>(new DialException(ErrorCode.Unreachable, $"{host} has no address in this network."));

    public override ValueTask DisposeAsync()
    {
        CloseAll(connection => connection.Close((ulong)ErrorCode.ShuttingDown, "The endpoint is shutting down."));
        return ValueTask.CompletedTask;
    }

    /// <summary>What a crash does: nobody is told.</summary>
    public void Vanish() => CloseAll(connection => connection.End(new ConnectionEnd(ConnectionEndOrigin.Local, 0, "The host crashed.")));

    public bool IsBoundTo(IPAddress address) =>
        LocalEndPoint.Address.Equals(IPAddress.Any)
        || LocalEndPoint.Address.Equals(IPAddress.IPv6Any)
        || SimulatedNetwork.Plain(LocalEndPoint.Address).Equals(SimulatedNetwork.Plain(address));

    public void CountSent(int packets) => _packetsSent += packets;

    public void CountReceived() => _packetsReceived++;

    public void CountDatagramDropped() => _datagramsDropped++;

    public void CountHandshake(HandshakeOutcome outcome)
    {
        if (outcome == HandshakeOutcome.Completed)
        {
            _handshakesCompleted++;
        }
        else
        {
            _handshakesFailed++;
        }
    }

    /// <summary>Takes a dial that has arrived; null when it gets no answer, or a refusal.</summary>
    public SimulatedConnection? HandleDial(SimulatedConnection dial)
    {
        if (_identities.Count == 0 || dial.IsEnded)
        {
            _packetsDropped++;
            return null;
        }

        if (_connections.Count >= Options.MaxConnections)
        {
            _connectionsRefused++;
            return null;
        }

        var known = _identities.TryGetValue(dial.ServerName, out var identity);
        if (!known || dial.Endpoint.Options.ApplicationProtocol != Options.ApplicationProtocol)
        {
            _handshakesFailed++;
            new RefusalPacket(this, dial, known ? ErrorCode.VersionMismatch : ErrorCode.RealmNotServed).Send();
            return null;
        }

        var connection = new SimulatedConnection(this, ConnectionRole.Acceptor, identity!, dial.Endpoint.PublicEndPoint);
        _connections.Add(connection.Number, connection);
        connection.JoinWith(dial);
        return connection;
    }

    /// <summary>Hands a connection to the application, or refuses it when too many wait already.</summary>
    public void HandleAccepted(SimulatedConnection connection)
    {
        if (!_accepted.TryAdd(connection))
        {
            _connectionsRefused++;
            connection.Close((ulong)ErrorCode.LimitExceeded, $"{Options.AcceptBacklog} connections wait to be accepted (AcceptBacklog).");
        }
    }

    /// <summary>Finds the connection to which a packet from the other side belongs; answers one that belongs to none as QUIC does.</summary>
    public SimulatedConnection? Recognize(SimulatedConnection source)
    {
        var target = source.Peer;
        if (target is null || target.Endpoint.Host != Host || target.Endpoint.PublicEndPoint.Port != PublicEndPoint.Port)
        {
            _packetsDropped++;
            return null;
        }

        if (target.Endpoint == this && !target.IsEnded)
        {
            return target;
        }

        _packetsDropped++;
        if (target.Endpoint != this || !target.TryRepeatClose())
        {
            // RFC 9000 §10.3: no such connection (any more): tell the other side so.
            new StatelessResetPacket(this, source).Send();
        }

        return null;
    }

    public void HandleRaw(byte[] packet, IPEndPoint source)
    {
        if (Options.RawPackets is { } handler)
        {
            handler(packet, source);
        }
        else
        {
            _packetsDropped++;
        }
    }

    public void Remove(SimulatedConnection connection) => _connections.Remove(connection.Number);

    private void Validate(TlsIdentity identity)
    {
        if (Network.Options.KeyMatchesCertificate is { } check && !check(identity))
        {
            throw new ArgumentException($"The private key of the {identity} does not belong to its certificate.", nameof(identity));
        }
    }

    private void CloseAll(Action<SimulatedConnection> close)
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        foreach (var connection in _connections.Values.ToArray())
        {
            close(connection);
        }

        _accepted.Close(failure: null);
        Host.Unbind(this);
    }
}
