using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Macula.Transport.Execution;

/// <summary>A result that comes later. Whoever awaits it resumes through the scheduler, never inside the code that sets it.</summary>
/// <typeparam name="T">The result.</typeparam>
/// <remarks>
/// What the framework leaves to a flag is decided here: an awaiter with a context is posted to it, one
/// without is scheduled, so that no code re-enters its caller and none escapes to the thread pool. It may be set from any thread, once;
/// it may be awaited once (call AsTask for more).
/// </remarks>
public sealed class Completion<T> : IValueTaskSource<T>, IThreadPoolWorkItem
{
    private readonly MeshScheduler _scheduler;
    private readonly Lock _gate = new();
    private ValueTaskSourceStatus _status;
    private T? _result;
    private ExceptionDispatchInfo? _exception;
    private Action<object?>? _continuation;
    private object? _state;
    private SynchronizationContext? _context;
    private CancellationTokenRegistration _registration;

    /// <summary>Makes a completion whose awaiters without a context resume on the scheduler.</summary>
    public Completion(MeshScheduler scheduler)
    {
        ArgumentNullException.ThrowIfNull(scheduler);
        _scheduler = scheduler;
    }

    /// <summary>What to await: once.</summary>
    public ValueTask<T> Task => new(this, token: 0);

    /// <summary>True once a result or an exception is set.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (_gate)
            {
                return _status != ValueTaskSourceStatus.Pending;
            }
        }
    }

    /// <summary>Sets the result; false when the outcome is set already.</summary>
    public bool TrySetResult(T result) => TrySet(ValueTaskSourceStatus.Succeeded, result, null);

    /// <summary>Sets the exception that the awaiter gets; false when the outcome is set already.</summary>
    public bool TrySetException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var status = exception is OperationCanceledException ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;
        return TrySet(status, default, ExceptionDispatchInfo.Capture(exception));
    }

    /// <summary>Has the token end this completion with <see cref="OperationCanceledException"/> if nothing else does before.</summary>
    /// <returns>This completion.</returns>
    public Completion<T> CancelledBy(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
        {
            return this;
        }

        var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Completion<T>)state!).TrySetException(new OperationCanceledException(token)),
            this);
        lock (_gate)
        {
            if (_status == ValueTaskSourceStatus.Pending)
            {
                _registration = registration;
                return this;
            }
        }

        registration.Dispose();
        return this;
    }

    /// <inheritdoc/>
    T IValueTaskSource<T>.GetResult(short token)
    {
        lock (_gate)
        {
            if (_status == ValueTaskSourceStatus.Pending)
            {
                throw new InvalidOperationException("The completion is pending; await it.");
            }
        }

        _exception?.Throw();
        return _result!;
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token)
    {
        lock (_gate)
        {
            return _status;
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        // A serial queue is taken even when the awaiter did not ask for its context: AsTask() does not ask, and would leave the queue.
        var current = SynchronizationContext.Current;
        var wanted = (flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0 || current is SerialQueue;
        lock (_gate)
        {
            if (_continuation is not null)
            {
                throw new InvalidOperationException("A completion is awaited once; call AsTask for more.");
            }

            _continuation = continuation;
            _state = state;
            _context = wanted && current?.GetType() != typeof(SynchronizationContext) ? current : null;
            if (_status == ValueTaskSourceStatus.Pending)
            {
                return;
            }
        }

        Resume();
    }

    void IThreadPoolWorkItem.Execute() => _continuation!(_state);

    private bool TrySet(ValueTaskSourceStatus status, T? result, ExceptionDispatchInfo? exception)
    {
        CancellationTokenRegistration registration;
        bool awaited;
        lock (_gate)
        {
            if (_status != ValueTaskSourceStatus.Pending)
            {
                return false;
            }

            _status = status;
            _result = result;
            _exception = exception;
            registration = _registration;
            awaited = _continuation is not null;
        }

        // Unregister does not wait for a callback that runs now: it is harmless, since the outcome is set.
        registration.Unregister();
        if (awaited)
        {
            Resume();
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Resume()
    {
        if (_context is { } context)
        {
            context.Post(static completion => ((IThreadPoolWorkItem)completion!).Execute(), this);
        }
        else
        {
            _scheduler.Schedule(this);
        }
    }
}
