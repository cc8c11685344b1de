using Macula.Dht;
using Macula.Gateway;
using Macula.Identity.Credentials;
using Macula.Identity.Names;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>The gateway and bootstrap of every realm.</summary>
internal sealed class SimulatedGateway : SimulatedNode
{
    private readonly IReadOnlyList<(SimulatedRealm Realm, NodeCredentials Credentials)> _realms;
    private MaculaGateway? _gateway;

    public SimulatedGateway(SimulatedHost host, IReadOnlyList<SimulatedRealm> realms, SimulationHistory history)
        : base(host, "gateway", history)
    {
        _realms = [.. realms.Select(realm => (realm, realm.Issue("gateway", NodeRoles.Gateway | NodeRoles.Bootstrap)))];
    }

    public override long Connections => _gateway?.TransportCounters.ConnectionsOpen ?? 0;

    protected override async ValueTask OpenAsync(SeededRandomSource random) => _gateway = await MaculaGateway.StartAsync(new GatewayOptions
    {
        Realms = [.. _realms.Select(entry => new GatewayRealm(entry.Realm.File, entry.Credentials))],
        Transport = Host.Transport,
        Endpoint = EndpointOptions,
        Dht = DhtOptions(DhtMode.Server, Address) with { Bootstraps = [] },
        LoggerFactory = new SimulationLog(History, Host.Network, Name),
        Scheduler = Host.Scheduler,
        Random = random,
    });

    protected override ValueTask CloseAsync() => _gateway!.DisposeAsync();
}
