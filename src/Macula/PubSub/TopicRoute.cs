using System.Collections.Immutable;
using Macula.Dht;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.PubSub;

/// <summary>An event that waits until it is known who subscribes.</summary>
internal sealed record PendingEvent(Payload Payload, WallTime Published, Completion<PublishReceipt> Receipt);

/// <summary>One topic that this node publishes: who subscribes to it, and what waits until that is known.</summary>
/// <remarks>The shell of <see cref="TopicSubscribers"/>. Used on the realm's queue only.</remarks>
internal sealed class TopicRoute
{
    // Records end by their time without a word; a subscriber that is gone is let go of at the next look.
    private static readonly TimeSpan ReviewInterval = TimeSpan.FromMinutes(1);

    private readonly RealmServices _realm;
    private readonly KeyWatches _watches;
    private readonly TopicSubscribers _core;
    private readonly Action<TopicRoute, SubscribersChange> _changed;
    private readonly Action<TopicRoute, PendingEvent> _send;
    private readonly Queue<PendingEvent> _pending = new();
    private readonly List<(KeyWatch Watch, Action Listener)> _watched = [];
    private readonly QueueTimer _timer;
    private bool _isStopped;

    public TopicRoute(
        RealmServices realm, SerialQueue queue, KeyWatches watches, TopicName topic, Action<TopicRoute, SubscribersChange> changed, Action<TopicRoute, PendingEvent> send)
    {
        _realm = realm;
        _watches = watches;
        _core = new TopicSubscribers(realm.Realm, topic, realm.Self.NodeId);
        Topic = topic;
        _changed = changed;
        _send = send;
        _timer = new QueueTimer(realm, queue, Review);
    }

    /// <summary>What is published.</summary>
    public TopicName Topic { get; }

    /// <summary>True once the keys of all prefixes have been in force: it is known who subscribes, and stays known.</summary>
    public bool IsWarm { get; private set; }

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
            var watch = _watches.Use(key);
            void Listener() => Read(watch);
            watch.Listen(Listener);
            _watched.Add((watch, Listener));
            Read(watch);
        }

        _realm.Tasks.Run(WarmUpAsync);
        _timer.Set(_realm.Scheduler.Now + ReviewInterval);
    }

    /// <summary>Has an event wait until it is known who subscribes, behind those that wait already.</summary>
    public void Wait(PendingEvent pending) => _pending.Enqueue(pending);

    /// <summary>Watches no more; what waits fails.</summary>
    public void Stop(ErrorCode code)
    {
        _isStopped = true;
        _timer.Stop();
        foreach (var (watch, listener) in _watched)
        {
            watch.StopListening(listener);
        }

        while (_pending.TryDequeue(out var pending))
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
                await watch.WhenInForceAsync(CancellationToken.None);
            }
        }
        catch (MaculaException)
        {
            // The node stops, and the route with it.
            return;
        }

        if (_isStopped)
        {
            return;
        }

        // In the order in which they were published, before any that comes from now on.
        IsWarm = true;
        while (_pending.TryDequeue(out var pending))
        {
            if (!pending.Receipt.IsCompleted)
            {
                _send(this, pending);
            }
        }
    }

    private void Read(KeyWatch watch)
    {
        _core.HandleRecords(watch.Key, watch.Live);
        if (_core.TryPollChange(out var change))
        {
            _changed(this, change);
        }
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
