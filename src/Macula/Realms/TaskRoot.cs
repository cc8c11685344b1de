using Macula.Diagnostics;
using Macula.Transport.Execution;
using Microsoft.Extensions.Logging;

namespace Macula.Realms;

/// <summary>Owns the background work of one realm on one node: nothing runs unowned, and all of it ends before the node has stopped.</summary>
/// <remarks>May be used from any queue of the node.</remarks>
internal sealed class TaskRoot(MeshScheduler scheduler, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Completion<bool> _empty = new(scheduler);
    private Action<Exception>? _handleFault;
    private Exception? _fault;
    private int _running;
    private bool _closing;

    /// <summary>Has the first failure of background work that nobody foresaw, a bug of ours, end the node. Called once.</summary>
    /// <param name="handle">Called at most once, on any queue, also for a failure that came before; must not throw.</param>
    public void HandleFaultWith(Action<Exception> handle)
    {
        Exception? before;
        lock (_gate)
        {
            _handleFault = handle;
            before = _fault;
        }

        if (before is not null)
        {
            handle(before);
        }
    }

    /// <summary>How much work runs now.</summary>
    public int Running
    {
        get
        {
            lock (_gate)
            {
                return _running;
            }
        }
    }

    /// <summary>Starts work on the caller's queue.</summary>
    /// <param name="work">Handles what it can name; anything else that it throws ends the node.</param>
    public void Run(Func<Task> work)
    {
        lock (_gate)
        {
            _running++;
        }

        _ = RunToEndAsync(work);
    }

    /// <summary>Completes when all work has ended. Called once, after everything that could start work has stopped.</summary>
    public ValueTask<bool> WhenEmptyAsync()
    {
        bool empty;
        lock (_gate)
        {
            _closing = true;
            empty = _running == 0;
        }

        if (empty)
        {
            _empty.TrySetResult(true);
        }

        return _empty.Task;
    }

    // A task root: whatever nobody foresaw ends the node, and whoever owns the node learns of it.
#pragma warning disable CA1031
    private async Task RunToEndAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception exception)
        {
            Fail(exception);
            logger.InvariantViolated(exception.Message, exception);
        }
        finally
        {
            Leave();
        }
    }
#pragma warning restore CA1031

    private void Fail(Exception exception)
    {
        Action<Exception>? handle;
        lock (_gate)
        {
            handle = _fault is null ? _handleFault : null;
            _fault ??= exception;
        }

        handle?.Invoke(exception);
    }

    private void Leave()
    {
        bool empty;
        lock (_gate)
        {
            _running--;
            empty = _closing && _running == 0;
        }

        if (empty)
        {
            _empty.TrySetResult(true);
        }
    }
}
