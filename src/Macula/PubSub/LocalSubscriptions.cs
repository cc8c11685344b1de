using Macula.Diagnostics;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Wire.Errors;

namespace Macula.PubSub;

/// <summary>The subscriptions of this node's application in one realm, and the way of arriving events to them.</summary>
/// <remarks>May be used from any queue.</remarks>
internal sealed class LocalSubscriptions(RealmServices realm)
{
    private readonly Lock _gate = new();
    private readonly SubscriptionTable<Subscription> _table = new();
    private readonly Dictionary<SubscriptionId, Subscription> _all = [];
    private bool _isStopped;

    /// <summary>Adds a subscription, to which events go from now on.</summary>
    /// <exception cref="MaculaException">The node has as many as it may, or stops.</exception>
    public SubscriptionId Add(Subscription subscription)
    {
        lock (_gate)
        {
            if (_isStopped)
            {
                throw new MaculaException(ErrorCode.ShuttingDown);
            }

            if (!_table.TryAdd(subscription.Pattern, subscription, out var id))
            {
                throw new MaculaException(ErrorCode.LimitExceeded, $"This node has {_table.Count} subscriptions, which is the most.");
            }

            _all.Add(id, subscription);
            return id;
        }
    }

    /// <summary>Removes a subscription; false when that was done.</summary>
    public bool Remove(SubscriptionId id)
    {
        lock (_gate)
        {
            _all.Remove(id);
            return _table.Remove(id);
        }
    }

    /// <summary>Gives an event to every subscription whose pattern its topic matches ([PUB-13]).</summary>
    /// <param name="arrived">The event.</param>
    /// <param name="matches">A list of the caller's, to work with.</param>
    /// <returns>To how many.</returns>
    public int Deliver(MeshEvent arrived, List<Subscription> matches)
    {
        matches.Clear();
        lock (_gate)
        {
            _table.Match(arrived.Topic, matches);
        }

        foreach (var subscription in matches)
        {
            if (subscription.Deliver(arrived) is { } delivery)
            {
                Tell(subscription, delivery);
            }
        }

        var count = matches.Count;

        // The list outlives the call, and must not keep what has ended.
        matches.Clear();
        return count;
    }

    /// <summary>Says what a reader has lost, once it has caught up.</summary>
    public void HandleEpisode(Subscription subscription, DropEpisode episode)
    {
        if (realm.CaughtUpReaderGate.TryPass(realm.Scheduler.Now, out var suppressed))
        {
            realm.Logger.SubscriptionCaughtUp(subscription.Pattern, episode.Events, episode.Bytes, suppressed);
        }
    }

    /// <summary>The node stops: every reader learns of it.</summary>
    public void Stop()
    {
        Subscription[] all;
        lock (_gate)
        {
            _isStopped = true;
            all = [.. _all.Values];
        }

        foreach (var subscription in all)
        {
            subscription.HandleStop();
        }
    }

    private void Tell(Subscription subscription, Delivery delivery)
    {
        realm.Metrics.EventDelivered(delivery.Outcome);
        if (delivery.Outcome == EnqueueOutcome.Closed)
        {
            realm.Logger.SubscriptionOverflowed(subscription.Pattern);
            realm.Tasks.Run(() => subscription.UnsubscribeAsync().AsTask());
        }
        else if (delivery.BeginsEpisode && realm.SlowReaderGate.TryPass(realm.Scheduler.Now, out var suppressed))
        {
            realm.Logger.SubscriptionFallsBehind(subscription.Pattern, suppressed);
        }
    }
}
