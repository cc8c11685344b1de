using System.Net;
using Macula.Dht;
using Macula.Testing.Network;
using Macula.Testing.Simulation.Faults;
using Macula.Testing.Simulation.Nodes;
using Macula.Testing.VirtualTime;

namespace Macula.Testing.Simulation;

/// <summary>A whole mesh in virtual time: a gateway and peers of several realms that advertise, call, publish and subscribe while things go wrong, with every invariant checked.</summary>
/// <remarks>
/// Until 70 s before the end faults come at random, and it is checked that nothing happens that must not. Then they stop, and what is due must happen. docs/simulation.md
/// says what the invariants are.
/// </remarks>
public sealed class MeshSimulation
{
    // From the first dial until everybody has found those whom it has to know, several rounds of looking for each other included.
    private static readonly TimeSpan FormationTime = TimeSpan.FromSeconds(20);

    // Several times what a signature takes on a machine that has other work.
    private static readonly TimeSpan ComputationTime = TimeSpan.FromMilliseconds(2);

    // From what the nodes give themselves to stop, with air.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    // How often to look whether a node that stops has stopped.
    private static readonly TimeSpan GoodByeInterval = TimeSpan.FromMilliseconds(100);

    // A node calls and publishes about once a second; most of it must come to something, even where many nodes are gone for good.
    private const int NodeSecondsPerDeed = 50;

    // The probe of a realm asks one node each second, however many there are.
    private const int ProbeSecondsPerRecord = 5;

    private readonly SimulationOptions _options;
    private readonly VirtualWorld _world;
    private readonly SimulatedNetwork _network;
    private readonly SimulationHistory _history;
    private readonly SimulationPlan _plan;
    private readonly List<SimulatedRealm> _realms = [];
    private readonly List<SimulatedNode> _nodes = [];

    private MeshSimulation(SimulationOptions options)
    {
        _options = options;
        _world = new VirtualWorld(options.Seed);
        _network = new SimulatedNetwork(_world);
        _history = new SimulationHistory(_world);
        _plan = new SimulationPlan(options);
    }

    /// <summary>Runs a simulation to its end, on the calling thread.</summary>
    /// <param name="options">What the mesh is like.</param>
    /// <returns>What happened, violations among it.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <remarks>20 nodes for 2 virtual minutes take about a second. Different simulations may run on different threads at once.</remarks>
    public static SimulationReport Run(SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfOutOfRange();
        return new MeshSimulation(options).Run();
    }

    private SimulationReport Run()
    {
        try
        {
            var failure = RunWorld();

            // Before what follows: how a run has failed is told in words that may differ between machines.
            var trace = _world.TraceHash;
            if (failure is not null)
            {
                _history.Add(new Observation.Broke(_world.Elapsed, "", failure));
            }

            return new SimulationReport(_options, trace, _world.Elapsed, _history.Finish(), _history.Counts);
        }
        finally
        {
            _nodes.ForEach(static node => node.Dispose());
            _realms.ForEach(static realm => realm.Dispose());
        }
    }

    // Null when the run came to its end; otherwise what ended it, as a sentence.
#pragma warning disable CA1031
    private string? RunWorld()
    {
        try
        {
            _world.Run(RunAsync, _options.Duration + (StopLimit * 4));
            return null;
        }
        catch (SimulationException failure)
        {
            // Whatever code left the world, hung, or failed where nobody looked.
            return $"{failure.Message.Split('\n')[0]} {(failure.InnerException is { } inner ? SimulationLog.Describe(inner) : "")}".Trim();
        }

        // A task root: whatever was thrown ends this run alone, and who reads the report learns of it together with the seed.
        catch (Exception exception)
        {
            return $"The run failed: {SimulationLog.Describe(exception)}";
        }
    }
#pragma warning restore CA1031

    private async ValueTask RunAsync()
    {
        Found();
        _nodes.ForEach(static node => node.Begin());
        var faults = new FaultInjector(_world, _network, _nodes, _history, _options.Faults);
        var checks = new ProgressCheck(_world, _realms, _history);
        using var end = new CancellationTokenSource();
        var watch = Task.WhenAll([
            _options.Faults == SimulationFaults.None ? SettleAsync(FormationTime) : Task.CompletedTask,
            MeasureAsync(end.Token),
            .. _realms.Select(realm => new RealmProbe(_world, AddHost(), realm, [.. _realms.Where(other => other != realm)], _nodes[0], _plan, _history).RunAsync(end.Token)),
            .. _realms.Select(realm => new Eavesdropper(_world, AddHost(), realm, _nodes[0], _history).RunAsync(end.Token))]);
        var faultsEnd = _options.Duration - SimulationOptions.RecoveryTime;
        await faults.RunAsync(faultsEnd);
        await WaitUntilAsync(faultsEnd);
        await Task.WhenAll(_nodes.Where(node => !faults.Gone.Contains(node)).Select(BringBackAsync));
        _plan.Phase = SimulationPhase.Recovery;
        await WaitUntilAsync(_options.Duration - ProgressCheck.Longest);
        _plan.Phase = SimulationPhase.Check;
        if (_options.Faults != SimulationFaults.None)
        {
            await SettleAsync(_world.Elapsed);
        }

        await checks.RunAsync();
        end.Cancel();
        await watch;
        await StopAsync();
        TellOfTraffic();
    }

    // A node that is still saying good-bye comes back when it has.
    private async Task BringBackAsync(SimulatedNode node)
    {
        while (node.State == NodeState.Stopping)
        {
            await Task.Delay(GoodByeInterval, _world.Time);
        }

        if (node.State == NodeState.Down)
        {
            node.Begin();
        }
    }

    // A run in which nothing happens violates nothing, and shows nothing.
    private void TellOfTraffic()
    {
        var network = _network.Counters;
        _history.Count("packets sent", network.PacketsSent);
        _history.Count("packets lost", network.PacketsLost);
        _history.Count("packets cut off", network.PacketsCutOff);
        _history.Count("dials failed", network.DialsFailed);
        var deeds = (long)(_options.Nodes * _options.Duration.TotalSeconds / NodeSecondsPerDeed);
        var records = (long)(_realms.Count * _options.Duration.TotalSeconds / ProbeSecondsPerRecord);
        (string Deed, long Least)[] demands = [("call Returned", deeds), (nameof(Observation.Delivered), deeds), (nameof(Observation.RecordServed), records)];
        foreach (var (deed, least) in demands.Where(demand => _history.Counts.GetValueOrDefault(demand.Deed) < demand.Least))
        {
            _history.Add(new Observation.Missed(_history.Now, "", $"The run shows little: {deed} happened {_history.Counts.GetValueOrDefault(deed)} times; {least} are the least."));
        }
    }

    private void Found()
    {
        for (var number = 0; number < _options.Realms; number++)
        {
            _realms.Add(new SimulatedRealm(_world, number));
        }

        var gateway = new SimulatedGateway(AddHost(), _realms, _history);
        _nodes.Add(gateway);
        var random = _world.Random.Fork("modes");
        for (var number = 1; number < _options.Nodes; number++)
        {
            var realm = _realms[number % _realms.Count];
            var mode = random.Next(3) == 0 ? DhtMode.Client : DhtMode.Server;
            var peer = new SimulatedPeer(AddHost(), $"{realm.Tag}{number:00}", realm, mode, gateway.Address, _plan, _history);
            realm.Members.Add(peer);
            _nodes.Add(peer);
        }
    }

    private SimulatedHost AddHost()
    {
        var number = _network.Hosts.Count + 1;
        var host = _network.AddHost(new IPAddress([10, 0, (byte)(number >> 8), (byte)number]));
        host.Scheduler.ComputationTime = ComputationTime;
        return host;
    }

    private async Task SettleAsync(TimeSpan moment)
    {
        await WaitUntilAsync(moment);
        _history.Add(new Observation.Settled(_history.Now));
    }

    private Task WaitUntilAsync(TimeSpan moment) =>
        moment > _world.Elapsed ? Task.Delay(moment - _world.Elapsed, _world.Time) : Task.CompletedTask;

    // No node has reason to hold more than two connections to each other one of its realm, and to each probe and spy: one that serves, one that it replaces.
    private int MostConnectionsOf(SimulatedNode node) => 2 * ((node is SimulatedPeer peer ? peer.Realm.Members.Count : _options.Nodes) + (2 * _realms.Count));

    private async Task MeasureAsync(CancellationToken end)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _world.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(end))
            {
                foreach (var node in _nodes.Where(node => node.State == NodeState.Up))
                {
                    _history.Add(new Observation.Measured(_history.Now, node.Name, "connections", node.Connections, MostConnectionsOf(node)));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }

    private async Task StopAsync()
    {
        foreach (var node in _nodes.Where(node => node.State == NodeState.Up))
        {
            node.Stop();
        }

        var limit = _world.Elapsed + StopLimit;
        while (_nodes.Exists(node => node.State != NodeState.Down) && _world.Elapsed < limit)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        }

        foreach (var node in _nodes.Where(node => node.State != NodeState.Down))
        {
            _history.Add(new Observation.Broke(_history.Now, node.Name, $"The node was told to stop and is {node.State} {StopLimit.TotalSeconds:0} s later."));
        }
    }
}
