using System.Net;
using Macula.Testing.VirtualTime;

namespace Macula.Testing.Network;

/// <summary>Hosts, and what lies between them, in a <see cref="VirtualWorld"/>.</summary>
/// <remarks>What is modelled and what is not: docs/simulation.md. It may be used on the world's thread only.</remarks>
public sealed class SimulatedNetwork
{
    private readonly SimulatedNetworkOptions _options;
    private readonly Dictionary<IPAddress, SimulatedHost> _byAddress = [];
    private readonly List<SimulatedHost> _hosts = [];
    private readonly Dictionary<(SimulatedHost Source, SimulatedHost Target), Link> _links = [];
    private readonly HashSet<(SimulatedHost Source, SimulatedHost Target)> _cuts = [];
    private readonly Dictionary<long, SimulatedConnection> _connections = [];
    private readonly Dictionary<string, IReadOnlyList<IPAddress>> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly SeededRandomSource _random;
    private Link _defaultLink;
    private long _lastConnection;
    private bool _mayCorrupt;

    /// <summary>Makes a network without hosts.</summary>
    /// <param name="world">Where it is.</param>
    /// <param name="options">Null: the defaults.</param>
    public SimulatedNetwork(VirtualWorld world, SimulatedNetworkOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(world);
        World = world;
        _options = options ?? new SimulatedNetworkOptions();
        _mayCorrupt = _options.DefaultLink.Corruption > 0;
        _defaultLink = _options.DefaultLink;
        _random = world.Random.Fork("network");
    }

    /// <summary>The world that it is in.</summary>
    public VirtualWorld World { get; }

    /// <summary>Every host, in the order in which they were added.</summary>
    public IReadOnlyList<SimulatedHost> Hosts => _hosts;

    /// <summary>How many streams had their first byte changed so far: see <see cref="Link.Corruption"/>.</summary>
    public long StreamsCorrupted { get; private set; }

    /// <summary>The link between hosts for which <see cref="SetLink"/> has put no other one. At first that of the options.</summary>
    public Link DefaultLink
    {
        get => _defaultLink;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _defaultLink = value;
            _mayCorrupt |= value.Corruption > 0;
            ReviewPaths();
        }
    }

    /// <summary>What has become of everything that was sent so far.</summary>
    public NetworkCounters Counters { get; } = new();

    internal SimulatedNetworkOptions Options => _options;

    /// <summary>Adds a host with one address, on which nothing runs yet.</summary>
    /// <exception cref="ArgumentException">The address is another host's, or none that a host can have.</exception>
    public SimulatedHost AddHost(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        address = Plain(address);
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            throw new ArgumentException($"A host cannot have the address {address}.", nameof(address));
        }

        var host = new SimulatedHost(this, address, _random.Fork($"host {address}"));
        if (!_byAddress.TryAdd(address, host))
        {
            throw new ArgumentException($"Another host has the address {address}.", nameof(address));
        }

        _hosts.Add(host);
        return host;
    }

    /// <summary>Puts another link between two hosts than the network's default.</summary>
    public void SetLink(SimulatedHost first, SimulatedHost second, Link link, LinkWays ways = LinkWays.Both)
    {
        ArgumentNullException.ThrowIfNull(link);
        foreach (var way in Ways(first, second, ways))
        {
            _links[way] = link;
        }

        _mayCorrupt |= link.Corruption > 0;

        ReviewPaths();
    }

    /// <summary>Puts the network's default link between two hosts again.</summary>
    public void ResetLink(SimulatedHost first, SimulatedHost second, LinkWays ways = LinkWays.Both)
    {
        foreach (var way in Ways(first, second, ways))
        {
            _links.Remove(way);
        }

        ReviewPaths();
    }

    /// <summary>Lets nothing through between two hosts any more. Packets that are under way arrive.</summary>
    public void Cut(SimulatedHost first, SimulatedHost second, LinkWays ways = LinkWays.Both)
    {
        foreach (var way in Ways(first, second, ways))
        {
            _cuts.Add(way);
        }

        ReviewPaths();
    }

    /// <summary>Has a host name stand for these addresses from now on; none makes it unknown again.</summary>
    public void SetName(string host, params IReadOnlyList<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(host);
        _names[host] = addresses;
    }

    /// <summary>Parts the network: hosts of different groups do not reach each other; those in no group reach everybody. Replaces an earlier partition.</summary>
    /// <exception cref="ArgumentException">A host is in two groups.</exception>
    public void Partition(params IReadOnlyList<IReadOnlyCollection<SimulatedHost>> groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        _hosts.ForEach(host => host.Group = null);
        for (var number = 0; number < groups.Count; number++)
        {
            foreach (var host in groups[number])
            {
                if (host.Group is not null)
                {
                    throw new ArgumentException($"{host} is in two groups.", nameof(groups));
                }

                host.Group = number;
            }
        }

        ReviewPaths();
    }

    /// <summary>Ends every partition and cut. Links stay as they were set.</summary>
    public void Heal()
    {
        _cuts.Clear();
        _hosts.ForEach(host => host.Group = null);
        ReviewPaths();
    }

    internal IReadOnlyList<IPAddress> AddressesOf(string host) => _names.GetValueOrDefault(host) ?? [];

    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    internal long AddConnection(SimulatedConnection connection)
    {
        _connections.Add(++_lastConnection, connection);
        return _lastConnection;
    }

    internal void RemoveConnection(SimulatedConnection connection) => _connections.Remove(connection.Number);

    /// <summary>Has every connection look whether its other side still reaches it; called after whatever may have changed that.</summary>
    internal void ReviewPaths()
    {
        foreach (var connection in _connections.Values.ToArray())
        {
            connection.Silence.Review();
        }
    }

    /// <summary>Who is bound at an address, seen from a host; null for nobody.</summary>
    internal SimulatedEndpoint? Find(SimulatedHost from, IPEndPoint address) => HostAt(from, address.Address)?.EndpointAt(address);

    /// <summary>True when packets sent there from here reach the endpoint, at least some of them.</summary>
    internal bool Reaches(SimulatedEndpoint from, IPEndPoint address, SimulatedEndpoint target) =>
        Find(from.Host, address) == target && !IsCut(from.Host, target.Host) && LinkBetween(from.Host, target.Host).Loss < 1;

    /// <summary>Sends something there: draws which of its packets get through, and how long they take.</summary>
    /// <param name="from">Who sends.</param>
    /// <param name="address">Where to.</param>
    /// <param name="packets">How many packets it fills; afterwards, how many of them were lost.</param>
    /// <param name="order">Whether the network may hold it up behind later ones.</param>
    /// <param name="delay">How long it takes to get there and to be looked at.</param>
    /// <returns>True when none was lost.</returns>
    internal bool TryDepart(SimulatedEndpoint from, IPEndPoint address, ref int packets, DepartureOrder order, out TimeSpan delay)
    {
        delay = default;
        from.CountSent(packets);
        Counters.PacketsSent += packets;
        if (HostAt(from.Host, address.Address) is not { } target || IsCut(from.Host, target) || (from.IsLoopback && target != from.Host))
        {
            Counters.PacketsCutOff += packets;
            return false;
        }

        var link = LinkBetween(from.Host, target);
        var random = from.Host.LinkRandom;
        if (link.Loss > 0)
        {
            var sent = packets;
            packets = 0;
            for (var packet = 0; packet < sent; packet++)
            {
                packets += random.NextDouble() < link.Loss ? 1 : 0;
            }

            Counters.PacketsLost += packets;
            if (packets > 0)
            {
                return false;
            }
        }

        delay = link.Latency + (link.Jitter * random.NextDouble()) + target.ProcessingDelay;
        if (order == DepartureOrder.Free && link.Reordering > 0 && random.NextDouble() < link.Reordering)
        {
            delay += link.ReorderingDelay;
        }

        return true;
    }

    /// <summary>Changes the first byte of a stream, where the link does that.</summary>
    internal void CorruptSometimes(SimulatedEndpoint from, IPEndPoint address, Span<byte> first)
    {
        // Asked for each stream, and of no use in most runs.
        if (!_mayCorrupt || HostAt(from.Host, address.Address) is not { } target || LinkBetween(from.Host, target).Corruption is not (> 0 and var share))
        {
            return;
        }

        var random = from.Host.LinkRandom;
        if (random.NextDouble() < share)
        {
            first[0] ^= (byte)(1 + random.Next(byte.MaxValue));
            StreamsCorrupted++;
        }
    }

    private static IEnumerable<(SimulatedHost Source, SimulatedHost Target)> Ways(SimulatedHost first, SimulatedHost second, LinkWays ways)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return ways == LinkWays.Both ? [(first, second), (second, first)] : [(first, second)];
    }

    private SimulatedHost? HostAt(SimulatedHost from, IPAddress address) =>
        IPAddress.IsLoopback(address) ? from : _byAddress.GetValueOrDefault(Plain(address));

    private Link LinkBetween(SimulatedHost source, SimulatedHost target) =>
        _links.TryGetValue((source, target), out var link) ? link : source == target ? Link.Loopback : _defaultLink;

    private bool IsCut(SimulatedHost source, SimulatedHost target) =>
        source != target && ((source.Group is { } left && target.Group is { } right && left != right) || _cuts.Contains((source, target)));
}

/// <summary>Whether the network may deliver something after what was sent later.</summary>
internal enum DepartureOrder
{
    /// <summary>Only by what jitter and loss do.</summary>
    Kept,

    /// <summary>Also by <see cref="Link.Reordering"/>.</summary>
    Free,
}
