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
    private readonly Completion<Exception> _fault = new(scheduler);
    private int _running;
    private bool _closing;

    /// <summary>Completes if background work fails in a way that nobody foresaw: a bug of ours, which ends the node. Awaited once.</summary>
    public ValueTask<Exception> Fault => _fault.Task;

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
            logger.InvariantViolated(exception.Message, exception);
            _fault.TrySetResult(exception);
        }
        finally
        {
            Leave();
        }
    }
#pragma warning restore CA1031

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
