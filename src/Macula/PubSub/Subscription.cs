using Macula.Protocols.PubSub;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.PubSub;

/// <summary>The events whose topics match a pattern, from the moment that the subscription is in force until it is disposed.</summary>
/// <remarks>
/// Read by one <c>await foreach</c> at a time; what is not read waits, within <see cref="SubscribeOptions"/>. Events of one publisher under one topic come
/// in the order in which they were published, none twice. Members may be called from any thread.
/// </remarks>
public sealed class Subscription : IAsyncEnumerable<MeshEvent>, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly MeshScheduler _scheduler;
    private readonly EventQueue<MeshEvent> _queue;
    private readonly Func<ValueTask> _unsubscribe;
    private readonly Action<Subscription, DropEpisode> _handleEpisode;
    private Completion<bool>? _arrival;
    private State _state;

    internal Subscription(MeshScheduler scheduler, TopicPattern pattern, SubscribeOptions options, Func<Subscription, ValueTask> unsubscribe, Action<Subscription, DropEpisode> handleEpisode)
    {
        _scheduler = scheduler;
        Pattern = pattern;
        _queue = new EventQueue<MeshEvent>(options.MaxQueuedEvents, options.MaxQueuedBytes, options.Overflow);
        _unsubscribe = () => unsubscribe(this);
        _handleEpisode = handleEpisode;
    }

    private enum State
    {
        Open,
        Disposed,
        NodeStopped,
    }

    /// <summary>Which topics are subscribed to.</summary>
    public TopicPattern Pattern { get; }

    /// <summary>How many events were dropped since the reader was too slow for them.</summary>
    public long DroppedEvents
    {
        get
        {
            lock (_gate)
            {
                return _queue.DroppedEvents;
            }
        }
    }

    /// <summary>The events, in the order in which they arrived; ends when the subscription is disposed.</summary>
    /// <param name="cancellationToken">Ends the reading, not the subscription; what waits is there for the next one who reads.</param>
    /// <exception cref="MaculaException">The node stopped; or the reader was too slow under <see cref="OverflowPolicy.Disconnect"/>, which has ended the subscription.</exception>
    /// <exception cref="InvalidOperationException">Somebody else reads.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async IAsyncEnumerator<MeshEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await NextAsync(cancellationToken) is { } next)
        {
            yield return next;
        }
    }

    /// <summary>Ends the subscription: no event is given out any more when this has been called. The DHT learns of it by and by.</summary>
    public ValueTask DisposeAsync()
    {
        End(State.Disposed);
        return _unsubscribe();
    }

    /// <summary>Takes the subscription out of the node; whoever reads learns how it ended. May be called more than once.</summary>
    internal ValueTask UnsubscribeAsync() => _unsubscribe();

    /// <summary>Keeps an event for the reader, as far as the queue allows.</summary>
    /// <returns>What became of it; null when the subscription takes nothing any more, as it has told before.</returns>
    internal Delivery? Deliver(MeshEvent arrived)
    {
        Completion<bool>? arrival;
        EnqueueOutcome outcome;
        bool keptUp;
        lock (_gate)
        {
            if (_state != State.Open || _queue.IsClosed)
            {
                return null;
            }

            keptUp = _queue.CurrentEpisode is null;
            outcome = _queue.Enqueue(arrived, arrived.Topic, arrived.Payload.Bytes.Length);
            arrival = _arrival;
            _arrival = null;
        }

        arrival?.TrySetResult(true);
        return new Delivery(outcome, keptUp && outcome != EnqueueOutcome.Queued);
    }

    /// <summary>The node stops: whoever reads learns of it.</summary>
    internal void HandleStop() => End(State.NodeStopped);

    private void End(State state)
    {
        Completion<bool>? arrival;
        lock (_gate)
        {
            _state = _state == State.Open ? state : _state;
            arrival = _arrival;
            _arrival = null;
        }

        arrival?.TrySetResult(true);
    }

    private async ValueTask<MeshEvent?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            MeshEvent? next;
            Completion<bool>? arrival;
            DropEpisode? episode;
            lock (_gate)
            {
                (next, arrival) = TakeOrWait();
                episode = _queue.TryPollEpisode(out var ended) ? ended : null;
            }

            if (episode is { } told)
            {
                _handleEpisode(this, told);
            }

            if (arrival is null)
            {
                return next;
            }

            await WaitAsync(arrival, cancellationToken);
        }
    }

    // The next event; or what to wait for; or neither, after the end.
    private (MeshEvent? Next, Completion<bool>? Arrival) TakeOrWait()
    {
        if (_state == State.Disposed)
        {
            return (null, null);
        }

        if (_queue.TryDequeue(out var next))
        {
            return (next, null);
        }

        if (_state == State.NodeStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown, "The node has stopped, and the subscription with it.");
        }

        if (_queue.IsClosed)
        {
            throw new MaculaException(ErrorCode.LimitExceeded, $"The reader of {Pattern} was too slow: its queue was full, and the subscription is set to end then.");
        }

        if (_arrival is not null)
        {
            throw new InvalidOperationException("Somebody reads this subscription already; subscribe twice to read twice.");
        }

        _arrival = new Completion<bool>(_scheduler);
        return (null, _arrival);
    }

    private async ValueTask WaitAsync(Completion<bool> arrival, CancellationToken cancellationToken)
    {
        try
        {
            await arrival.CancelledBy(cancellationToken).Task;
        }
        finally
        {
            lock (_gate)
            {
                _arrival = _arrival == arrival ? null : _arrival;
            }
        }
    }
}

/// <summary>What became of an event at a subscription.</summary>
/// <param name="Outcome">Whether it is queued.</param>
/// <param name="BeginsEpisode">True when it is the first after which something is lost ([PUB-14]).</param>
internal readonly record struct Delivery(EnqueueOutcome Outcome, bool BeginsEpisode);
