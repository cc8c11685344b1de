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
    // From what the nodes give themselves to stop, with air.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

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
            MeasureAsync(end.Token),
            .. _realms.Select(realm => new RealmProbe(_world, AddHost(), realm, [.. _realms.Where(other => other != realm)], _nodes[0], _history).RunAsync(end.Token)),
            .. _realms.Select(realm => new Eavesdropper(_world, AddHost(), realm, _nodes[0], _history).RunAsync(end.Token))]);
        var faultsEnd = _options.Duration - SimulationOptions.RecoveryTime;
        await faults.RunAsync(faultsEnd);
        foreach (var node in _nodes.Where(node => node.State == NodeState.Down && !faults.Gone.Contains(node)))
        {
            node.Begin();
        }

        _plan.Phase = SimulationPhase.Recovery;
        await WaitUntilAsync(_options.Duration - ProgressCheck.Longest);
        _plan.Phase = SimulationPhase.Check;
        await checks.RunAsync();
        end.Cancel();
        await watch;
        await StopAsync();
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
        return _network.AddHost(new IPAddress([10, 0, (byte)(number >> 8), (byte)number]));
    }

    private Task WaitUntilAsync(TimeSpan moment) =>
        moment > _world.Elapsed ? Task.Delay(moment - _world.Elapsed, _world.Time) : Task.CompletedTask;

    // No node has reason to hold more than two connections to each other one, and to each probe and spy: one that serves, one that it replaces.
    private async Task MeasureAsync(CancellationToken end)
    {
        var most = 2 * (_options.Nodes + (2 * _realms.Count));
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _world.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(end))
            {
                foreach (var node in _nodes.Where(node => node.State == NodeState.Up))
                {
                    _history.Add(new Observation.Measured(_history.Now, node.Name, "connections", node.Connections, most));
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
