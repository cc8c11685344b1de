using System.Buffers;
using Macula.Dht;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.PubSub;

/// <summary>Publishes this node's events in one realm: each goes straight to the nodes that subscribe, and to this one's own subscriptions.</summary>
/// <remarks>Its state belongs to the realm's queue; it may be asked from any.</remarks>
internal sealed class EventPublisher(RealmServices realm, SerialQueue queue, DhtNode dht, LocalSubscriptions local)
{
    // Topics that a program makes up from data are let go of in the order of their use; each holds a few watches.
    private const int MaxRoutes = 4096;

    // Events that wait while a topic's subscribers are looked up.
    private const int MaxPendingEvents = 4096;

    private static readonly TimeSpan MinDeadline = TimeSpan.FromMilliseconds(1);

    private readonly Dictionary<TopicName, LinkedListNode<TopicRoute>> _routes = [];
    private readonly LinkedList<TopicRoute> _byUse = [];
    private readonly Dictionary<NodeId, SubscriberOutlet> _outlets = [];
    private readonly List<Subscription> _matches = [];
    private readonly ArrayBufferWriter<byte> _frame = new();
    private long _sequence;
    private bool _isStopped;

    /// <summary>Publishes an event.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is out of range.</exception>
    /// <exception cref="MaculaException">The policy forbids it, nobody could say who subscribes, or a limit is reached.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the event was not published.</exception>
    public ValueTask<PublishReceipt> PublishAsync(TopicName topic, Payload payload, PublishOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Deadline, MinDeadline, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Deadline, CallFrame.MaxTimeLeft, nameof(options));
        realm.DemandOwn(MeshAction.Publish, topic.Value);
        return queue.RunAsync(() => PublishOnQueueAsync(topic, payload, options, cancellationToken));
    }

    /// <summary>Publishes nothing more, once what was published has been sent ([PUB-16]).</summary>
    /// <param name="timeout">Longest wait for those who are slow or cannot be reached; what they have not taken by then is lost to them.</param>
    public async ValueTask StopAsync(TimeSpan timeout)
    {
        _isStopped = true;
        foreach (var route in _byUse)
        {
            route.Stop(ErrorCode.ShuttingDown);
        }

        try
        {
            await Task.WhenAll(_outlets.Values.Select(static outlet => outlet.FinishAsync())).WaitAsync(timeout, realm.Scheduler.Time);
        }
        catch (TimeoutException)
        {
            // Events are delivered at most once; who did not take them in time goes without.
        }

        foreach (var outlet in _outlets.Values)
        {
            outlet.Stop();
        }
    }

    private ValueTask<PublishReceipt> PublishOnQueueAsync(TopicName topic, Payload payload, PublishOptions options, CancellationToken cancellationToken)
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var route = RouteOf(topic);
        var pending = new PendingEvent(payload, realm.Scheduler.WallNow, new Completion<PublishReceipt>(realm.Scheduler));
        if (route.IsWarm)
        {
            Send(route, pending);
            return pending.Receipt.Task;
        }

        if (route.Pending >= MaxPendingEvents)
        {
            throw new MaculaException(ErrorCode.LimitExceeded, $"{MaxPendingEvents} events of {topic} wait until it is known who subscribes, which is the most.");
        }

        route.Wait(pending);
        return WaitAsync(topic, pending, options.Deadline, cancellationToken);
    }

    private async ValueTask<PublishReceipt> WaitAsync(TopicName topic, PendingEvent pending, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var end = new CancellationTokenSource(deadline, realm.Scheduler.Time);
        await using var givingUp = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), end);
        var receipt = pending.Receipt.CancelledBy(end.Token).Task.AsTask();
        try
        {
            await dht.DemandNetworkAsync(end.Token);
            return await receipt;
        }
        catch (MaculaException exception)
        {
            // The receipt tells, whichever came first: it may have failed by itself, for the same reason.
            pending.Receipt.TrySetException(exception);
            return await receipt;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MaculaException(ErrorCode.DeadlineExceeded, $"Who subscribes to {topic} was not known within {deadline.TotalMilliseconds:0} ms; the event was not published.");
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    private void Send(TopicRoute route, PendingEvent pending)
    {
        var id = new EventId(realm.Self.NodeId, realm.Instance, ++_sequence);
        var reached = local.Deliver(new MeshEvent(route.Topic, id, realm.Self, pending.Payload, pending.Published), _matches) > 0 ? 1 : 0;
        if (!route.Subscribers.IsEmpty)
        {
            // Version 1 sends directly, so nobody may pass the event on.
            new EventFrame(route.Topic, id, pending.Published, hopsLeft: 0, pending.Payload).Write(_frame);
            ReadOnlyMemory<byte> frame = _frame.WrittenSpan.ToArray();
            _frame.ResetWrittenCount();
            foreach (var subscriber in route.Subscribers)
            {
                _outlets[subscriber].Send(route.Topic, frame);
            }
        }

        realm.Metrics.EventPublished();
        pending.Receipt.TrySetResult(new PublishReceipt(id, reached + route.Subscribers.Length));
    }

    private TopicRoute RouteOf(TopicName topic)
    {
        if (_routes.TryGetValue(topic, out var known))
        {
            _byUse.Remove(known);
            _byUse.AddLast(known);
            return known.Value;
        }

        if (_routes.Count >= MaxRoutes)
        {
            Forget(_byUse.First!.Value);
        }

        while (true)
        {
            var route = new TopicRoute(realm, queue, dht.Watches, topic, HandleChange, Send);
            try
            {
                route.Start();
                _routes.Add(topic, _byUse.AddLast(route));
                return route;
            }
            catch (MaculaException exception)
            {
                Release(route);
                if (exception.Code != ErrorCode.LimitExceeded || _byUse.First is not { } oldest)
                {
                    throw;
                }

                // The watches are all taken: the topic that was used longest ago gives some back.
                Forget(oldest.Value);
            }
        }
    }

    private void Forget(TopicRoute route)
    {
        _byUse.Remove(_routes[route.Topic]);
        _routes.Remove(route.Topic);
        Release(route);
    }

    private void Release(TopicRoute route)
    {
        route.Stop(ErrorCode.LimitExceeded);
        HandleChange(route, new SubscribersChange([], route.Subscribers));
    }

    private void HandleChange(TopicRoute route, SubscribersChange change)
    {
        foreach (var joined in change.Joined)
        {
            if (!_outlets.TryGetValue(joined, out var outlet))
            {
                outlet = new SubscriberOutlet(realm, joined, cancellationToken => queue.RunAsync(() => dht.Finder.ConnectAsync(joined, cancellationToken)));
                _outlets.Add(joined, outlet);
            }

            outlet.Topics++;
        }

        foreach (var left in change.Left)
        {
            if (_outlets.TryGetValue(left, out var outlet) && --outlet.Topics == 0)
            {
                outlet.Stop();
                _outlets.Remove(left);
            }
        }

        realm.Logger.SubscribersChanged(route.Topic, change.Joined.Length, change.Left.Length);
    }
}
