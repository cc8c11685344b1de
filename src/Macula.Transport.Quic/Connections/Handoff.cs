using Macula.Transport.Execution;
using Macula.Transport.Quic.Streams;

namespace Macula.Transport.Quic.Connections;

/// <summary>A bounded queue from the loop to one taker of the application.</summary>
internal sealed class Handoff<T>(MeshScheduler scheduler, int capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<T> _items = new();
    private Completion<Wake>? _taker;
    private bool _closed;

    /// <summary>Adds an item; false when the queue is full or closed.</summary>
    public bool TryAdd(T item)
    {
        Completion<Wake>? taker;
        lock (_gate)
        {
            if (_closed || _items.Count >= capacity)
            {
                return false;
            }

            _items.Enqueue(item);
            taker = _taker;
            _taker = null;
        }

        taker?.TrySetResult(default);
        return true;
    }

    /// <summary>Takes the next item, or waits for it.</summary>
    /// <returns>The item; none when the queue is closed and empty.</returns>
    public async ValueTask<Taken<T>> TakeAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            Completion<Wake> taker;
            lock (_gate)
            {
                if (_items.TryDequeue(out var item))
                {
                    return new Taken<T>(true, item);
                }

                if (_closed)
                {
                    return default;
                }

                if (_taker is { IsCompleted: false })
                {
                    throw new InvalidOperationException("Somebody else waits here already; one caller at a time.");
                }

                _taker = taker = new Completion<Wake>(scheduler);
            }

            await taker.CancelledBy(cancellationToken).Task;
        }
    }

    /// <summary>Closes the queue for new items; those that it holds can still be taken.</summary>
    public void Close()
    {
        Completion<Wake>? taker;
        lock (_gate)
        {
            _closed = true;
            taker = _taker;
            _taker = null;
        }

        taker?.TrySetResult(default);
    }

    /// <summary>Closes the queue and takes out what it holds.</summary>
    public T[] CloseAndClear()
    {
        Close();
        lock (_gate)
        {
            T[] rest = [.. _items];
            _items.Clear();
            return rest;
        }
    }
}

/// <summary>An item, or the news that there are no more.</summary>
/// <param name="HasItem">False when there are no more.</param>
/// <param name="Item">What was taken; without meaning when there was nothing.</param>
internal readonly record struct Taken<T>(bool HasItem, T Item);
