using System.Buffers;
using System.Diagnostics;
using Macula.Connections;
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
internal sealed class EventPublisher(RealmServices realm, SerialQueue queue, DhtNode dht, ConnectionTable connections, LocalSubscriptions local)
{
    // Topics that a program makes up from data are let go of in the order of their use; each holds a few watches.
    private const int MaxRoutes = 4096;

    // Events that wait while a topic's subscribers are looked up.
    private const int MaxPendingEvents = 4096;

    // What an event has around its topic and payload, with a trace parent.
    private const int MostHeadBytes = 144;

    private static readonly TimeSpan MinDeadline = TimeSpan.FromMilliseconds(1);

    // A few round trips, also for a subscriber that is being dialled; one that is gone holds up the end of this node by no more.
    private static readonly TimeSpan FinishTimeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<TopicName, LinkedListNode<TopicRoute>> _routes = [];
    private readonly LinkedList<TopicRoute> _byUse = [];
    private readonly Dictionary<NodeId, SubscriberOutlet> _outlets = [];
    private readonly List<Subscription> _matches = [];
    private Completion<bool>? _untilSent;
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

        // Queues carry no ambient context: the caller's span is taken along here.
        var traceParent = MeshActivity.TraceParentOf(Activity.Current);
        return queue.RunAsync(() => PublishOnQueueAsync(topic, payload, traceParent, options, cancellationToken));
    }

    /// <summary>Publishes nothing more, and completes when subscribers have taken what was published; after 2 s what has not been sent is dropped.</summary>
    public async ValueTask FinishAsync()
    {
        _isStopped = true;
        foreach (var route in _byUse)
        {
            route.Stop(ErrorCode.ShuttingDown);
        }

        foreach (var (subscriber, outlet) in _outlets.ToArray())
        {
            outlet.Finish();
            ForgetIfOver(subscriber);
        }

        if (_outlets.Count == 0)
        {
            return;
        }

        _untilSent = new Completion<bool>(realm.Scheduler);
        try
        {
            await _untilSent.Task.AsTask().WaitAsync(realm.Limits.ShutdownTimeout < FinishTimeout ? realm.Limits.ShutdownTimeout : FinishTimeout, realm.Scheduler.Time);
        }
        catch (TimeoutException)
        {
            foreach (var outlet in _outlets.Values)
            {
                outlet.Stop();
            }
        }
    }

    private ValueTask<PublishReceipt> PublishOnQueueAsync(
        TopicName topic, Payload payload, string? traceParent, PublishOptions options, CancellationToken cancellationToken)
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var route = RouteOf(topic);
        var pending = new PendingEvent(payload, traceParent, realm.Scheduler.WallNow, new Completion<PublishReceipt>(realm.Scheduler));
        if (route.IsWarm)
        {
            Send(route, pending);
            return pending.Receipt.Task;
        }

        if (route.Pending >= MaxPendingEvents)
        {
            throw new MaculaException(ErrorCode.LimitExceeded, $"{MaxPendingEvents} events of {topic} wait until it is known who subscribes, which is the most.");
        }

        return WaitAsync(route, pending, options.Deadline, cancellationToken);
    }

    private async ValueTask<PublishReceipt> WaitAsync(TopicRoute route, PendingEvent pending, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var place = route.Wait(pending);
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
            throw new MaculaException(ErrorCode.DeadlineExceeded, $"Who subscribes to {route.Topic} was not known within {deadline.TotalMilliseconds:0} ms; the event was not published.");
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        finally
        {
            route.StopWaiting(place);
        }
    }

    private void Send(TopicRoute route, PendingEvent pending)
    {
        var id = new EventId(realm.Self.NodeId, realm.Instance, ++_sequence);
        var arrived = new MeshEvent(route.Topic, id, realm.Self, pending.Payload, pending.Published) { TraceParent = pending.TraceParent };
        var reached = local.Deliver(arrived, _matches) > 0 ? 1 : 0;
        if (!route.Subscribers.IsEmpty)
        {
            var frame = Write(route.Topic, id, pending);
            foreach (var subscriber in route.Subscribers)
            {
                _outlets[subscriber].Send(route.Topic, frame);
            }
        }

        realm.Metrics.EventPublished();
        pending.Receipt.TrySetResult(new PublishReceipt(id, reached + route.Subscribers.Length));
    }

    // All subscribers share the bytes, which nobody changes.
    private static ReadOnlyMemory<byte> Write(TopicName topic, EventId id, PendingEvent pending)
    {
        var frame = new ArrayBufferWriter<byte>(pending.Payload.Bytes.Length + topic.Value.Length + MostHeadBytes);

        // Version 1 sends directly, so nobody may pass the event on.
        new EventFrame(topic, id, pending.Published, hopsLeft: 0, pending.Payload, pending.TraceParent).Write(frame);
        return frame.WrittenMemory;
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
            var route = new TopicRoute(realm, queue, dht, topic, HandleChange, Send);
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
        foreach (var subscriber in route.Subscribers)
        {
            _outlets[subscriber].LetGo();
            ForgetIfOver(subscriber);
        }
    }

    private void HandleChange(TopicRoute route, SubscribersChange change)
    {
        foreach (var joined in change.Joined)
        {
            if (!_outlets.TryGetValue(joined, out var outlet))
            {
                outlet = new SubscriberOutlet(realm, queue, joined, LinkTo(joined), () => HandleLaneEnded(joined));
                _outlets.Add(joined, outlet);
            }

            outlet.Join();
        }

        foreach (var renewed in change.Renewed)
        {
            _outlets[renewed].Renew();
        }

        foreach (var left in change.Left)
        {
            _outlets[left].Leave();
            ForgetIfOver(left);
        }

        if (!change.Joined.IsEmpty || !change.Left.IsEmpty)
        {
            realm.Logger.SubscribersChanged(route.Topic, change.Joined.Length, change.Left.Length);
        }
    }

    private SubscriberLink LinkTo(NodeId subscriber) => new(
        cancellationToken => queue.RunAsync(() => dht.Finder.ConnectAsync(subscriber, cancellationToken)),
        silent => queue.Post(
            static state =>
            {
                var (publisher, silent) = ((EventPublisher, MeshConnection))state!;
                publisher.HandleSilent(silent);
            },
            (this, silent)));

    private void HandleSilent(MeshConnection silent)
    {
        connections.LetGo(silent);
        if (!silent.IsDraining)
        {
            // [CON-7]: when the node is there after all, nobody else ends it once it is dialled anew.
            realm.Tasks.Run(() => silent.DrainAsync(ErrorCode.DuplicateConnection, realm.Limits.DrainTimeout));
        }
    }

    private void HandleLaneEnded(NodeId subscriber) => queue.Post(
        static state =>
        {
            var (publisher, subscriber) = ((EventPublisher, NodeId))state!;
            publisher.ForgetIfOver(subscriber);
        },
        (this, subscriber));

    private void ForgetIfOver(NodeId subscriber)
    {
        if (_outlets.TryGetValue(subscriber, out var outlet) && outlet.IsOver)
        {
            _outlets.Remove(subscriber);
            outlet.Stop();
            if (_outlets.Count == 0)
            {
                _untilSent?.TrySetResult(true);
            }
        }
    }
}
