namespace Macula.Transport.Execution;

/// <summary>The scheduler of production: serial queues and computations share the thread pool.</summary>
/// <param name="time">The clock.</param>
public sealed class ThreadPoolScheduler(TimeProvider time) : MeshScheduler
{
    /// <inheritdoc/>
    public override TimeProvider Time { get; } = time;

    /// <inheritdoc/>
    protected internal override void Schedule(IThreadPoolWorkItem item) => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
}
