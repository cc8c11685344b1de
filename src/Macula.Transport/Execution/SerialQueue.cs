using System.Collections.Concurrent;

namespace Macula.Transport.Execution;

/// <summary>Runs what is posted to it one after the other, in order; the synchronisation context of the code that it runs.</summary>
/// <remarks>
/// State that only code of one queue touches needs no lock. Awaiting frees the queue for others; blocking stops it. The queue is
/// unbounded by itself: what is posted to it are continuations, and those who start work are bounded by their own tables.
/// </remarks>
public sealed class SerialQueue : SynchronizationContext, IThreadPoolWorkItem
{
    // After so many callbacks other queues get their turn; large enough that scheduling costs little beside them.
    private const int CallbacksPerTurn = 64;

    private readonly MeshScheduler _scheduler;
    private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _callbacks = new();
    private int _pending;

    internal SerialQueue(MeshScheduler scheduler) => _scheduler = scheduler;

    /// <summary>The scheduler whose threads run this queue.</summary>
    public MeshScheduler Scheduler => _scheduler;

    /// <summary>True on the code that runs on this queue.</summary>
    public bool IsCurrent => Current == this;

    /// <summary>Runs the callback on this queue, after what was posted before. May be called from any thread.</summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        _callbacks.Enqueue((d, state));
        if (Interlocked.Increment(ref _pending) == 1)
        {
            _scheduler.Schedule(this);
        }
    }

    /// <summary>Not supported: waiting for a queue would stop the one that waits.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("A serial queue is never waited for; use RunAsync.");

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Enters this queue: runs <paramref name="work"/> on it and tells the caller, wherever that runs, when it is done.</summary>
    /// <typeparam name="T">What the work returns.</typeparam>
    /// <param name="work">Starts on this queue and stays on it across awaits.</param>
    /// <returns>Its result or exception. The caller resumes on its own context; one that has none, on a thread of the scheduler, never on this queue.</returns>
    public ValueTask<T> RunAsync<T>(Func<ValueTask<T>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var completion = new Completion<T>(_scheduler);
        Post(static state => _ = ((Entry<T>)state!).RunAsync(), new Entry<T>(work, completion));
        return completion.Task;
    }

    /// <summary>Enters this queue with work that returns nothing: see <see cref="RunAsync{T}"/>.</summary>
    public async ValueTask RunAsync(Func<ValueTask> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        await RunAsync<object?>(async () =>
        {
            await work();
            return null;
        });
    }

    void IThreadPoolWorkItem.Execute()
    {
        var outer = Current;
        SetSynchronizationContext(this);
        var executed = 0;
        try
        {
            while (executed < CallbacksPerTurn && _callbacks.TryDequeue(out var next))
            {
                executed++;
                next.Callback(next.State);
            }
        }
        finally
        {
            SetSynchronizationContext(outer);
            if (executed > 0 && Interlocked.Add(ref _pending, -executed) > 0)
            {
                _scheduler.Schedule(this);
            }
        }
    }

    private sealed class Entry<T>(Func<ValueTask<T>> work, Completion<T> completion)
    {
        // A task root: what the work throws belongs to whoever entered the queue, and to nobody else.
#pragma warning disable CA1031
        public async Task RunAsync()
        {
            try
            {
                completion.TrySetResult(await work());
            }
            catch (Exception exception)
            {
                completion.TrySetException(exception);
            }
        }
#pragma warning restore CA1031
    }
}
