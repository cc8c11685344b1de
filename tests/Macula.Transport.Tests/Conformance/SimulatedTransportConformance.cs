using System.Net;
using System.Text;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;
using Macula.Transport.Execution;

namespace Macula.Transport.Tests.Conformance;

public sealed class SimulatedDials : DialConformance<SimulatedStage>;

public sealed class SimulatedStreams : StreamConformance<SimulatedStage>;

public sealed class SimulatedStreamEnds : StreamEndConformance<SimulatedStage>;

public sealed class SimulatedConnections : ConnectionConformance<SimulatedStage>;

public sealed class SimulatedDatagrams : DatagramConformance<SimulatedStage>;

public sealed class LossySimulatedStreams : StreamConformance<LossySimulatedStage>;

public sealed class LossySimulatedStreamEnds : StreamEndConformance<LossySimulatedStage>;

/// <summary>The same hosts at the ends of a link that loses a fifth of all packets.</summary>
public sealed class LossySimulatedStage() : SimulatedStage(seed: 2, new Link { Loss = 0.2, Jitter = TimeSpan.FromMilliseconds(30) });

/// <summary>Two hosts of a simulated network, in virtual time.</summary>
public class SimulatedStage : ConformanceStage
{
    private readonly VirtualWorld _world;
    private readonly SimulatedHost _server;
    private readonly SimulatedHost _client;
    private int _thread;

    public SimulatedStage()
        : this(seed: 1, new Link())
    {
    }

    public SimulatedStage(ulong seed, Link link)
    {
        _world = new VirtualWorld(seed);
        var network = new SimulatedNetwork(_world, new SimulatedNetworkOptions { DefaultLink = link });
        _server = network.AddHost(IPAddress.Parse("10.0.0.1"));
        _client = network.AddHost(IPAddress.Parse("10.0.0.2"));
    }

    public override MeshScheduler Scheduler => _world.Scheduler;

    public override ITransport ServerTransport => _server.Transport;

    public override ITransport ClientTransport => _client.Transport;

    public override IPAddress ServerAddress => _server.Address;

    public override IPAddress ClientAddress => _client.Address;

    public override Task RunAsync(Func<ValueTask> body)
    {
        _thread = Environment.CurrentManagedThreadId;
        _world.Run(body, TimeSpan.FromMinutes(10));
        return Task.CompletedTask;
    }

    public override TlsIdentity MakeIdentity(string label, string serverName = ServerName) =>
        new(serverName, [Encoding.UTF8.GetBytes($"certificate of {label}")], Encoding.UTF8.GetBytes($"key of {label}"));

    public override Task SettleAsync() => Task.Delay(TimeSpan.FromSeconds(1), _world.Time);

    public override void AssertApplicationThread() => Assert.Equal(_thread, Environment.CurrentManagedThreadId);
}
