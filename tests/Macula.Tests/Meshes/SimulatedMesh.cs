using System.Net;
using Macula.Identity.Keys;
using Macula.Testing.Network;
using Macula.Testing.Realms;
using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;

namespace Macula.Tests.Meshes;

/// <summary>Nodes on a simulated network, each on a host of its own, in virtual time.</summary>
public sealed class SimulatedMesh : Mesh
{
    private readonly SeededRandomSource _random;
    private int _hosts;

    public SimulatedMesh(ulong seed, SimulatedNetworkOptions? options = null)
    {
        World = new VirtualWorld(seed);
        Network = new SimulatedNetwork(World, options);
        _random = World.Random.Fork("realms");
    }

    public VirtualWorld World { get; }

    public SimulatedNetwork Network { get; }

    public override TimeProvider Time => World.Time;

    public override MeshScheduler Scheduler => World.Scheduler;

    protected override SignatureScheme Scheme => KeyedHashScheme.Instance;

    protected override RandomSource Random => _random;

    public override MeshScheduler? NodeScheduler => LastHost.Scheduler;

    /// <summary>The host of the node that was started last.</summary>
    public SimulatedHost LastHost => Network.Hosts[^1];

    public override RandomSource? NodeRandom(string name) => LastHost.Random.Fork(name);

    public override ITransport NextTransport(out IPEndPoint address)
    {
        var host = Network.AddHost(new IPAddress([10, 0, (byte)(++_hosts >> 8), (byte)_hosts]));
        address = new IPEndPoint(host.Address, 9443);
        return host.Transport;
    }

    protected override MaculaPeerOptions PlaceNode(MaculaPeerOptions options, IPEndPoint address) =>
        base.PlaceNode(options, address) with { Scheduler = LastHost.Scheduler, Random = LastHost.Random.Fork("node") };
}
