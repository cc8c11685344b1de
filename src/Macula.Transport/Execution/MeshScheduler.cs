using Macula.Wire.Time;

namespace Macula.Transport.Execution;

/// <summary>Where the code of a node runs, and by which clock. One per node.</summary>
/// <remarks>
/// Code enters through a <see cref="SerialQueue"/> and never leaves: no Task.Run, no ConfigureAwait(false), no completion other than
/// <see cref="Completion{T}"/>. So the same code runs in parallel on the thread pool and, in simulation, on one thread in one seeded
/// order (docs/decisions/0004-one-scheduler.md).
/// </remarks>
public abstract class MeshScheduler
{
    /// <summary>The clock of everything that runs here.</summary>
    public abstract TimeProvider Time { get; }

    /// <summary>This process's monotonic clock, read from <see cref="Time"/>.</summary>
    public Instant Now => new(Time.GetElapsedTime(0));

    /// <summary>The time of day, read from <see cref="Time"/>.</summary>
    public WallTime WallNow => WallTime.From(Time.GetUtcNow());

    /// <summary>Makes a queue that runs what is posted to it one after the other.</summary>
    public SerialQueue CreateQueue() => new(this);

    /// <summary>Runs a computation that takes long enough to hold others up, such as a signature, outside every serial queue.</summary>
    /// <param name="compute">Must not await, block, or touch what a queue owns.</param>
    /// <returns>Its result, or its exception; the awaiting code resumes on its own queue.</returns>
    /// <remarks>Parallel in production; in simulation one after the other, in an order that follows from the seed.</remarks>
    public ValueTask<T> OffloadAsync<T>(Func<T> compute)
    {
        ArgumentNullException.ThrowIfNull(compute);
        var computation = new Computation<T>(this, compute);
        ScheduleComputation(computation);
        return computation.Result;
    }

    /// <summary>Has a computation executed, as <see cref="Schedule"/> does; a scheduler whose time does not pass by itself may let it take some.</summary>
    protected internal virtual void ScheduleComputation(IThreadPoolWorkItem item) => Schedule(item);

    /// <summary>Has the item executed soon, outside the caller's stack. Items may run in parallel and in any order.</summary>
    protected internal abstract void Schedule(IThreadPoolWorkItem item);

    private sealed class Computation<T>(MeshScheduler scheduler, Func<T> compute) : IThreadPoolWorkItem
    {
        private readonly Completion<T> _completion = new(scheduler);

        public ValueTask<T> Result => _completion.Task;

        // A task root: what the computation throws belongs to whoever awaits it, and to nobody else.
#pragma warning disable CA1031
        public void Execute()
        {
            try
            {
                _completion.TrySetResult(compute());
            }
            catch (Exception exception)
            {
                _completion.TrySetException(exception);
            }
        }
#pragma warning restore CA1031
    }
}
