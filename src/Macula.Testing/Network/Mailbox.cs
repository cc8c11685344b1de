using Macula.Transport.Execution;

namespace Macula.Testing.Network;

/// <summary>What arrives for one taker: a bounded queue that can be closed.</summary>
internal sealed class Mailbox<T>(MeshScheduler scheduler, int capacity)
    where T : class
{
    private readonly Queue<T> _items = new();
    private Completion<T?>? _taker;
    private Func<Exception>? _failure;
    private bool _closed;

    /// <summary>False when it is full or closed.</summary>
    public bool TryAdd(T item)
    {
        if (_closed)
        {
            return false;
        }

        if (_taker?.TrySetResult(item) == true)
        {
            _taker = null;
            return true;
        }

        if (_items.Count >= capacity)
        {
            return false;
        }

        _items.Enqueue(item);
        return true;
    }

    /// <summary>The next item; null, or the failure, once it is closed.</summary>
    public ValueTask<T?> TakeAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T?>(cancellationToken);
        }

        if (_taker is { IsCompleted: false })
        {
            throw new InvalidOperationException("One caller at a time: another one waits.");
        }

        if (_items.TryDequeue(out var item))
        {
            return ValueTask.FromResult<T?>(item);
        }

        if (_closed)
        {
            return _failure is null ? ValueTask.FromResult<T?>(null) : ValueTask.FromException<T?>(_failure());
        }

        _taker = new Completion<T?>(scheduler).CancelledBy(cancellationToken);
        return _taker.Task;
    }

    /// <summary>Drops what nobody has taken and lets the taker go: with null, or with the failure.</summary>
    public void Close(Func<Exception>? failure)
    {
        _closed = true;
        _failure = failure;
        _items.Clear();
        if (failure is null)
        {
            _taker?.TrySetResult(null);
        }
        else
        {
            _taker?.TrySetException(failure());
        }
    }
}
