using Macula.Dht;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.PubSub;

/// <summary>Subscribes: keeps the records up by which publishers find this node ([PUB-3]), and tells when a subscription is in force.</summary>
/// <remarks>Its state belongs to the realm's queue; it may be asked from any.</remarks>
internal sealed class SubscriptionRecords(RealmServices realm, SerialQueue queue, DhtNode dht, LocalSubscriptions local)
{
    private readonly SubscribedPatterns _patterns = new();
    private readonly SortedDictionary<string, PublishedRecord> _records = new(StringComparer.Ordinal);
    private bool _isStopped;

    /// <summary>Subscribes; completes when the subscription is in force ([REC-19]).</summary>
    /// <exception cref="MaculaException">The policy forbids it, a limit is reached, or the node stops.</exception>
    /// <exception cref="OperationCanceledException">The token fired; there is no subscription.</exception>
    public ValueTask<Subscription> SubscribeAsync(TopicPattern pattern, SubscribeOptions options, CancellationToken cancellationToken)
    {
        options.ThrowIfOutOfRange();
        realm.DemandOwn(MeshAction.Subscribe, pattern.Value);
        return queue.RunAsync(() => SubscribeOnQueueAsync(pattern, options, cancellationToken));
    }

    /// <summary>Publishes nothing more: the node takes back all of its records.</summary>
    public void Stop() => _isStopped = true;

    private async ValueTask<Subscription> SubscribeOnQueueAsync(TopicPattern pattern, SubscribeOptions options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        SubscriptionId id = default;
        var subscription = new Subscription(
            realm.Scheduler, pattern, options, ended => queue.RunAsync(() => UnsubscribeAsync(id, ended)), local.HandleEpisode);
        id = local.Add(subscription);
        try
        {
            if (!_patterns.TryAdd(pattern))
            {
                throw new MaculaException(
                    ErrorCode.LimitExceeded, $"{pattern} is one more than fits: a node has at most {RecordContent.Subscriber.MaxPatterns} different patterns of one literal prefix, and {SubscribedPatterns.DefaultMaxPrefixes} prefixes. A wider pattern covers several.");
            }
        }
        catch (MaculaException)
        {
            local.Remove(id);
            throw;
        }

        try
        {
            Publish();
            await _records[pattern.LiteralPrefix.Value].WhenInForceAsync(cancellationToken);
            realm.Logger.Subscribed(pattern);
            return subscription;
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    private ValueTask UnsubscribeAsync(SubscriptionId id, Subscription ended)
    {
        if (local.Remove(id))
        {
            _patterns.Remove(ended.Pattern);
            Publish();
            realm.Logger.Unsubscribed(ended.Pattern);
        }

        return ValueTask.CompletedTask;
    }

    private void Publish()
    {
        // A record that is being taken back must not stand again.
        while (!_isStopped && _patterns.TryPollChange(out var change))
        {
            var prefix = change.Prefix.Value;
            if (change.Content is not { } content)
            {
                _records.Remove(prefix, out var withdrawn);
                withdrawn?.Withdraw();
            }
            else if (_records.TryGetValue(prefix, out var record))
            {
                record.Update(content);
            }
            else
            {
                _records.Add(prefix, dht.Publisher.Publish(content));
            }
        }
    }
}
