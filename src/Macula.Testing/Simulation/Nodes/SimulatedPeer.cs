using System.Net;
using Macula.Dht;
using Macula.Identity.Credentials;
using Macula.Identity.Names;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;
using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>A peer, with an application on it that provides and calls procedures, publishes and subscribes.</summary>
internal sealed class SimulatedPeer : SimulatedNode
{
    private readonly DhtMode _mode;
    private readonly IPEndPoint _bootstrap;
    private readonly NodeCredentials _credentials;
    private readonly SimulationPlan _plan;
    private MaculaPeer? _peer;
    private Task _work = Task.CompletedTask;

    public SimulatedPeer(SimulatedHost host, string name, SimulatedRealm realm, DhtMode mode, IPEndPoint bootstrap, SimulationPlan plan, SimulationHistory history)
        : base(host, name, history)
    {
        Realm = realm;
        _mode = mode;
        _bootstrap = bootstrap;
        _plan = plan;
        _credentials = realm.Issue(name, NodeRoles.Peer);
    }

    public SimulatedRealm Realm { get; }

    public NodeId Id => _credentials.Identity.NodeId;

    /// <summary>Whether it holds records for others.</summary>
    public bool IsServer => _mode == DhtMode.Server;

    /// <summary>What it provides now.</summary>
    public ProvidedProcedures? Provided { get; private set; }

    /// <summary>Calls from this node, in its present life.</summary>
    public SimulatedCaller? Caller { get; private set; }

    /// <summary>What it subscribes to, in its present life.</summary>
    public SimulatedSubscriber? Subscriber { get; private set; }

    /// <summary>Events from this node, in its present life.</summary>
    public SimulatedPublisher? Publisher { get; private set; }

    public override long Connections => _peer?.TransportCounters.ConnectionsOpen ?? 0;

    protected override async ValueTask OpenAsync(SeededRandomSource random)
    {
        var options = new MaculaPeerOptions
        {
            Realm = Realm.File,
            Credentials = _credentials,
            Transport = Host.Transport,
            Endpoint = EndpointOptions,
            Dht = DhtOptions(_mode, _bootstrap),
            LoggerFactory = new SimulationLog(History, Host.Network, Name),
            Scheduler = Host.Scheduler,
            Random = random.Fork("node"),
        };
        var peer = await MaculaPeer.StartAsync(_plan.Options.Configure?.Invoke(Name, options) ?? options);
        _peer = peer;
        Provided = new ProvidedProcedures(this, peer, random.Fork("provider"));
        Caller = new SimulatedCaller(this, peer, random.Fork("caller"));
        Subscriber = new SimulatedSubscriber(this, peer, random.Fork("subscriber"));
        Publisher = new SimulatedPublisher(this, peer, random.Fork("publisher"));
        _work = Task.WhenAll(Provided.RunAsync(_plan, LifeToken), Caller.RunAsync(_plan, LifeToken), Subscriber.RunAsync(_plan, LifeToken), Publisher.RunAsync(_plan, LifeToken));
    }

    protected override async ValueTask CloseAsync()
    {
        await _peer!.DisposeAsync();
        await _work;
    }
}
