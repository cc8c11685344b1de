using Macula.Transport.Execution;

namespace Macula.Testing.VirtualTime;

/// <summary>The scheduler of one node in a <see cref="VirtualWorld"/>: what the operating system's process is in production.</summary>
/// <remarks>All schedulers of a world share its one thread and its one order of events.</remarks>
public sealed class VirtualScheduler : MeshScheduler
{
    internal VirtualScheduler(VirtualWorld world, TimeSpan wallClockOffset)
    {
        World = world;
        WallClockOffset = wallClockOffset;
        Time = new VirtualClock(world, this);
    }

    /// <summary>The world that runs it.</summary>
    public VirtualWorld World { get; }

    /// <inheritdoc/>
    /// <remarks>
    /// Timers made from it fire in virtual time; <c>Task.Delay</c>, <c>CancellationTokenSource</c> and <c>PeriodicTimer</c> take it. Its time zone is UTC.
    /// </remarks>
    public override TimeProvider Time { get; }

    /// <summary>How far this node's time of day is ahead of the world's; negative when behind. Timers and the monotonic clock do not notice.</summary>
    /// <remarks>May be set at any time: the clock then jumps.</remarks>
    public TimeSpan WallClockOffset { get; set; }

    /// <summary>True once the node was stopped.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>How many timers of this node's clock are set: what a node that has stopped in good order has left behind, if there is any.</summary>
    /// <remarks>Costs a pass over everything that is set in the world.</remarks>
    public int TimersSet => World.CountTimersOf(this);

    /// <summary>Stops the node as a killed process stops: nothing that is scheduled here runs any more, no timer of its clock fires, nobody is told.</summary>
    /// <remarks>What others await from it never completes; give such waits a deadline.</remarks>
    public void Stop() => IsStopped = true;

    /// <summary>The longest time that a computation takes which is offloaded, such as a signature; each takes a part of it, drawn from the seed. Default zero.</summary>
    /// <remarks>Zero leaves out whatever a real node can do, and be told, while a signature is being checked.</remarks>
    public TimeSpan ComputationTime { get; set; }

    /// <inheritdoc/>
    protected override void ScheduleComputation(IThreadPoolWorkItem item)
    {
        if (ComputationTime == TimeSpan.Zero)
        {
            Schedule(item);
        }
        else
        {
            World.Arm(new CallbackEvent(() => Schedule(item)), ComputationTime * World.ComputationRandom.NextDouble());
        }
    }

    /// <inheritdoc/>
    protected override void Schedule(IThreadPoolWorkItem item) => World.Enqueue(new ReadyItem(this, item));
}
