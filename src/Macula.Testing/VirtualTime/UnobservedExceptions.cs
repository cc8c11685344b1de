using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Macula.Testing.VirtualTime;

/// <summary>Finds exceptions that were thrown on one thread during a run and left in a task that nobody looked at.</summary>
/// <remarks>
/// The framework tells of such tasks for the whole process, when they are collected, which does not say to which of several worlds they
/// belong. So exceptions are noted where they are thrown, and only those count.
/// </remarks>
internal sealed class UnobservedExceptions : IDisposable
{
    private readonly ConditionalWeakTable<Exception, object> _thrown = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _any;
    private volatile Exception? _unobserved;

    public UnobservedExceptions()
    {
        AppDomain.CurrentDomain.FirstChanceException += HandleThrown;
        TaskScheduler.UnobservedTaskException += HandleUnobserved;
    }

    /// <summary>Looks for one; null when there is none. Costs a full collection when anything but a cancellation was thrown.</summary>
    public Exception? Find()
    {
        if (_any)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return _unobserved;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.FirstChanceException -= HandleThrown;
        TaskScheduler.UnobservedTaskException -= HandleUnobserved;
    }

    private void HandleThrown(object? sender, FirstChanceExceptionEventArgs arguments)
    {
        if (Environment.CurrentManagedThreadId == _thread && arguments.Exception is not OperationCanceledException)
        {
            _any = true;
            _thrown.TryAdd(arguments.Exception, this);
        }
    }

    // Called by the finalizer thread.
    private void HandleUnobserved(object? sender, UnobservedTaskExceptionEventArgs arguments)
    {
        foreach (var exception in arguments.Exception.Flatten().InnerExceptions)
        {
            if (_thrown.TryGetValue(exception, out _))
            {
                _unobserved ??= exception;
                arguments.SetObserved();
            }
        }
    }
}
