using System.Net;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>Where a node of a simulation is in its life.</summary>
internal enum NodeState
{
    Down,
    Starting,
    Up,
    Stopping,
}

/// <summary>A host, and the one node that is started, killed, stopped and started again on it under the same identity.</summary>
/// <remarks>What the node does runs on the host's scheduler, so that killing the host ends it in the middle.</remarks>
internal abstract class SimulatedNode(SimulatedHost host, string name, SimulationHistory history) : IDisposable
{
    public const int Port = 9443;

    // The shortest that records may hold: those of the dead end within the run.
    private static readonly TimeSpan RecordTimeToLive = TimeSpan.FromSeconds(60);

    // Parts of a realm that have forgotten each other find each other again within the recovery.
    private static readonly TimeSpan ReviewInterval = TimeSpan.FromSeconds(15);

    private CancellationTokenSource _life = new();

    public SimulatedHost Host => host;

    public string Name => name;

    public SimulationHistory History => history;

    /// <summary>The clock of the process that runs now.</summary>
    public TimeProvider Time => host.Scheduler.Time;

    public IPEndPoint Address { get; } = new(host.Address, Port);

    public NodeState State { get; private set; }

    /// <summary>How often it was started.</summary>
    public int Life { get; private set; }

    /// <summary>Fires when the present life is to end.</summary>
    protected CancellationToken LifeToken => _life.Token;

    /// <summary>Begins a life: the node starts by and by.</summary>
    public void Begin()
    {
        if (!host.IsUp)
        {
            host.Restart();
        }

        Life++;
        State = NodeState.Starting;
        _life.Dispose();
        _life = new CancellationTokenSource();
        var scheduler = host.Scheduler;
        _ = scheduler.CreateQueue().RunAsync(StartAsync).AsTask();
    }

    /// <summary>Ends the node in the middle of whatever it does.</summary>
    public void Kill()
    {
        host.Crash();
        State = NodeState.Down;
        history.Add(new Observation.Killed(history.Now, name));
    }

    /// <summary>Tells the node to stop: it has stopped by and by.</summary>
    public void Stop()
    {
        State = NodeState.Stopping;
        _ = host.Scheduler.CreateQueue().RunAsync(EndAsync).AsTask();
    }

    /// <summary>Lets go of what outlives the node's lives.</summary>
    public virtual void Dispose() => _life.Dispose();

    /// <summary>Starts the node, and what it does.</summary>
    protected abstract ValueTask OpenAsync(SeededRandomSource random);

    /// <summary>Stops the node; what it does has been told to end.</summary>
    protected abstract ValueTask CloseAsync();

    /// <summary>How many connections its endpoint has.</summary>
    public abstract long Connections { get; }

    protected EndpointOptions EndpointOptions => new() { LocalEndPoint = Address };

    /// <summary>How a node takes part in the DHT whose bootstrap is at an address.</summary>
    protected static DhtOptions DhtOptions(DhtMode mode, IPEndPoint bootstrap) =>
        new() { Mode = mode, Bootstraps = [BootstrapAddress.Parse(bootstrap.ToString())], RecordTimeToLive = RecordTimeToLive, Join = new() { ReviewInterval = ReviewInterval } };

    private async ValueTask StartAsync()
    {
        history.Add(new Observation.Started(history.Now, name));
        await OpenAsync(host.Random.Fork($"life {Life}"));
        State = NodeState.Up;
    }

    private async ValueTask EndAsync()
    {
        _life.Cancel();
        await CloseAsync();
        State = NodeState.Down;
        history.Add(new Observation.Stopped(history.Now, name));
        history.Add(new Observation.Measured(history.Now, name, "connections of a node that has stopped", Connections, 0));
        history.Add(new Observation.Measured(history.Now, name, "timers of a node that has stopped", host.Scheduler.TimersSet, 0));
    }
}
