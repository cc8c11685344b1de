using System.Net;
using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>A machine with one address, and the one process that runs on it.</summary>
public sealed class SimulatedHost
{
    // IANA's dynamic ports (RFC 6335 §6): what the system chooses when nobody asks for a port.
    private const int FirstDynamicPort = 49152;

    private readonly Dictionary<int, SimulatedEndpoint> _endpoints = [];
    private int _nextPort = FirstDynamicPort;

    internal SimulatedHost(SimulatedNetwork network, IPAddress address, SeededRandomSource random)
    {
        Network = network;
        Address = address;
        Random = random;
        LinkRandom = random.Fork("link");
        SegmentRandom = random.Fork("segments");
        Scheduler = network.World.CreateScheduler();
        Transport = new SimulatedTransport(this);
    }

    /// <summary>The network that it is in.</summary>
    public SimulatedNetwork Network { get; }

    /// <summary>Its address.</summary>
    public IPAddress Address { get; }

    /// <summary>The scheduler of the process that runs now: run the node on it, so that <see cref="Crash"/> ends the node. Each start has its own.</summary>
    public VirtualScheduler Scheduler { get; private set; }

    /// <summary>Binds endpoints on this host.</summary>
    public ITransport Transport { get; }

    /// <summary>Randomness of this host, apart from every other's. Fork it for each purpose.</summary>
    public SeededRandomSource Random { get; }

    /// <summary>Time that this host takes to look at anything that arrives. Default zero; a slow or overloaded machine has more.</summary>
    public TimeSpan ProcessingDelay { get; set; }

    /// <summary>False between <see cref="Crash"/> and <see cref="Restart"/>.</summary>
    public bool IsUp { get; private set; } = true;

    internal SeededRandomSource LinkRandom { get; }

    internal SeededRandomSource SegmentRandom { get; }

    internal int? Group { get; set; }

    /// <summary>Everything on the host ends at once and without a word: its code, its endpoints, its connections. Packets that it had sent still arrive.</summary>
    /// <remarks>Does nothing when the host is down. What other code holds of its connections ends with <see cref="ConnectionClosedException"/>.</remarks>
    public void Crash()
    {
        if (!IsUp)
        {
            return;
        }

        IsUp = false;
        Scheduler.Stop();
        foreach (var endpoint in _endpoints.Values.ToArray())
        {
            endpoint.Vanish();
        }

        Network.ReviewPaths();
    }

    /// <summary>Brings the host back, on the same address, with a new <see cref="Scheduler"/> and nothing bound.</summary>
    /// <exception cref="InvalidOperationException">The host is up.</exception>
    public void Restart()
    {
        if (IsUp)
        {
            throw new InvalidOperationException($"{this} is up; crash it first.");
        }

        IsUp = true;
        var computationTime = Scheduler.ComputationTime;
        Scheduler = Network.World.CreateScheduler(Scheduler.WallClockOffset);
        Scheduler.ComputationTime = computationTime;
    }

    /// <summary>The host's address.</summary>
    public override string ToString() => $"host {Address}";

    /// <summary>Takes a port for an endpoint.</summary>
    /// <exception cref="BindException">The address or the port cannot be had.</exception>
    internal IPEndPoint Bind(SimulatedEndpoint endpoint, IPEndPoint wanted)
    {
        var address = SimulatedNetwork.Plain(wanted.Address);
        var isAny = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        if (!IsUp)
        {
            throw new BindException($"{this} is down.");
        }

        if (!isAny && !address.Equals(Address) && !IPAddress.IsLoopback(address))
        {
            throw new BindException($"{wanted.Address} is not an address of {this}.");
        }

        var port = wanted.Port;
        while (port == 0)
        {
            var candidate = _nextPort;
            _nextPort = _nextPort == IPEndPoint.MaxPort ? FirstDynamicPort : _nextPort + 1;
            port = _endpoints.ContainsKey(candidate) ? 0 : candidate;
        }

        return _endpoints.TryAdd(port, endpoint)
            ? new IPEndPoint(wanted.Address, port)
            : throw new BindException($"Port {port} of {this} is in use.");
    }

    internal void Unbind(SimulatedEndpoint endpoint) => _endpoints.Remove(endpoint.LocalEndPoint.Port);

    internal SimulatedEndpoint? EndpointAt(IPEndPoint address) =>
        _endpoints.GetValueOrDefault(address.Port) is { } endpoint && endpoint.IsBoundTo(address.Address) ? endpoint : null;
}
