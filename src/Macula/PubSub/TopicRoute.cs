using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Dht;
using Macula.Diagnostics;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.PubSub;

/// <summary>An event that waits until it is known who subscribes.</summary>
internal sealed record PendingEvent(Payload Payload, string? TraceParent, WallTime Published, Completion<PublishReceipt> Receipt);

/// <summary>One topic that this node publishes: who subscribes to it, and what waits until that is known.</summary>
/// <remarks>The shell of <see cref="TopicSubscribers"/>. Used on the realm's queue only.</remarks>
#pragma warning disable CA1001 // A source without timer or link holds nothing to let go of.
internal sealed class TopicRoute
#pragma warning restore CA1001
{
    // Records end by their time without a word; a subscriber that is gone is let go of at the next look.
    private static readonly TimeSpan ReviewInterval = TimeSpan.FromMinutes(1);

    private readonly RealmServices _realm;
    private readonly DhtNode _dht;
    private readonly TopicSubscribers _core;
    private readonly Action<TopicRoute, SubscribersChange> _changed;
    private readonly Action<TopicRoute, PendingEvent> _send;
    private readonly LinkedList<PendingEvent> _pending = new();
    private readonly List<(KeyWatch Watch, Action Listener)> _watched = [];
    private readonly QueueTimer _timer;
    private readonly CancellationTokenSource _stop = new();
    private Warmth _warmth;
    private int _unserved;

    public TopicRoute(
        RealmServices realm, SerialQueue queue, DhtNode dht, TopicName topic, Action<TopicRoute, SubscribersChange> changed, Action<TopicRoute, PendingEvent> send)
    {
        _realm = realm;
        _dht = dht;
        _core = new TopicSubscribers(realm.Realm, topic, realm.Self.NodeId);
        Topic = topic;
        _changed = changed;
        _send = send;
        _timer = new QueueTimer(realm, queue, Review);
    }

    /// <summary>What is published.</summary>
    public TopicName Topic { get; }

    private enum Warmth
    {
        Cold,

        /// <summary>It is known who subscribes, and stays known.</summary>
        Warm,

        /// <summary>Nobody else was there who could have said who subscribes.</summary>
        WarmAlone,
    }

    /// <summary>True once the keys of all prefixes have been in force: it is known who subscribes, and stays known; but not what a node that was alone knew, once it has joined others.</summary>
    public bool IsWarm => _warmth == Warmth.Warm || (_warmth == Warmth.WarmAlone && !_dht.IsJoined);

    /// <summary>The nodes that subscribe, without this one.</summary>
    public ImmutableArray<NodeId> Subscribers => _core.Subscribers;

    /// <summary>How many events wait until it is known who subscribes.</summary>
    public int Pending => _pending.Count;

    /// <summary>Begins to watch.</summary>
    /// <exception cref="MaculaException">The node watches as many keys as it may.</exception>
    public void Start()
    {
        foreach (var key in _core.Keys)
        {
            var watch = _dht.Watches.Use(key);
            void Listener() => Read(watch);
            watch.Listen(Listener);
            _watched.Add((watch, Listener));
            Read(watch);
        }

        _realm.Tasks.Run(WarmUpAsync);
        _timer.Set(_realm.Scheduler.Now + ReviewInterval);
    }

    /// <summary>Has an event wait until it is known who subscribes, behind those that wait already.</summary>
    /// <returns>Its place, for <see cref="StopWaiting"/>.</returns>
    public LinkedListNode<PendingEvent> Wait(PendingEvent pending)
    {
        if (_warmth == Warmth.WarmAlone)
        {
            _warmth = Warmth.Cold;
            _realm.Tasks.Run(WarmUpAsync);
        }

        return _pending.AddLast(pending);
    }

    /// <summary>Nobody waits for an event any more; does nothing when it has been sent.</summary>
    public void StopWaiting(LinkedListNode<PendingEvent> place)
    {
        if (place.List is not null)
        {
            _pending.Remove(place);
        }
    }

    /// <summary>Watches no more; what waits fails.</summary>
    public void Stop(ErrorCode code)
    {
        _stop.Cancel();
        _timer.Stop();
        foreach (var (watch, listener) in _watched)
        {
            watch.StopListening(listener);
        }

        while (TryTakePending(out var pending))
        {
            pending.Receipt.TrySetException(new MaculaException(code));
        }
    }

    private async Task WarmUpAsync()
    {
        try
        {
            foreach (var (watch, _) in _watched)
            {
                await watch.WhenInForceAsync(_stop.Token);
            }
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            // The route ends, or the node with it.
            return;
        }

        if (_stop.IsCancellationRequested)
        {
            return;
        }

        // In the order in which they were published, before any that comes from now on.
        _warmth = _dht.IsJoined ? Warmth.Warm : Warmth.WarmAlone;
        while (TryTakePending(out var pending))
        {
            if (!pending.Receipt.IsCompleted)
            {
                _send(this, pending);
            }
        }
    }

    private bool TryTakePending([NotNullWhen(true)] out PendingEvent? pending)
    {
        pending = _pending.First?.Value;
        if (pending is not null)
        {
            _pending.RemoveFirst();
        }

        return pending is not null;
    }

    private void Read(KeyWatch watch)
    {
        _core.HandleRecords(watch.Key, watch.Live);
        if (_core.TryPollChange(out var change))
        {
            _changed(this, change);
        }

        if (_core.Unserved > _unserved && _realm.UnservedGate.TryPass(_realm.Scheduler.Now, out var suppressed))
        {
            _realm.Logger.SubscribersUnserved(Topic, _core.Unserved, suppressed);
        }

        _unserved = _core.Unserved;
    }

    private void Review()
    {
        foreach (var (watch, _) in _watched)
        {
            Read(watch);
        }

        _timer.Set(_realm.Scheduler.Now + ReviewInterval);
    }
}
