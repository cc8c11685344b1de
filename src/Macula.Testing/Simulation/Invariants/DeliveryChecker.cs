using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 3: what is delivered was published, to a subscription that exists, is permitted and covers its topic, and whose end was not acknowledged before.</summary>
public sealed class DeliveryChecker : InvariantChecker
{
    private readonly Dictionary<long, Subscription> _subscriptions = [];
    private readonly Dictionary<long, TopicName> _published = [];
    private readonly Dictionary<string, List<TopicPattern>> _forbidden = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int Invariant => 3;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        switch (observation)
        {
            case Observation.Subscribed subscribed:
                _subscriptions.Add(subscribed.Subscription, new Subscription(subscribed.Node, subscribed.Pattern));
                break;
            case Observation.Unsubscribed unsubscribed when _subscriptions.TryGetValue(unsubscribed.Subscription, out var subscription):
                subscription.HasEnded = true;
                break;
            case Observation.Published published:
                _published.Add(published.Event, published.Topic);
                break;
            case Observation.Delivered delivered:
                HandleDelivered(delivered);
                break;
            case Observation.Forbidden forbidden:
                ForbiddenTo(forbidden.Node).Add(forbidden.Pattern);
                break;
            case Observation.Overheard overheard when ForbiddenTo(overheard.Node).Exists(pattern => pattern.Matches(overheard.Topic)):
                Report(overheard.At, overheard.Node, $"An event on {overheard.Topic} came to a node that must not have it.");
                break;
            case Observation.SubscriptionHeld held when ForbiddenTo(held.Subscriber).Exists(pattern => pattern.Covers(held.Pattern)):
                Report(held.At, held.Node, $"The node took a record by which {held.Subscriber} subscribes to {held.Pattern}, which is forbidden.");
                break;
        }
    }

    private List<TopicPattern> ForbiddenTo(string node)
    {
        if (!_forbidden.TryGetValue(node, out var patterns))
        {
            _forbidden.Add(node, patterns = []);
        }

        return patterns;
    }

    private void HandleDelivered(Observation.Delivered delivered)
    {
        if (!_published.TryGetValue(delivered.Event, out var topic))
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} was delivered, and nobody published it.");
        }
        else if (!topic.Equals(delivered.Topic))
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} on {topic} was delivered as one on {delivered.Topic}.");
        }

        if (!_subscriptions.TryGetValue(delivered.Subscription, out var subscription) || subscription.Node != delivered.Node)
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} was delivered without a subscription.");
        }
        else if (subscription.HasEnded)
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} was delivered to subscription {delivered.Subscription}, whose end had been acknowledged.");
        }
        else if (!subscription.Pattern.Matches(delivered.Topic))
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} on {delivered.Topic} was delivered to a subscription to {subscription.Pattern}.");
        }
    }

    private sealed class Subscription(string node, TopicPattern pattern)
    {
        public string Node { get; } = node;

        public TopicPattern Pattern { get; } = pattern;

        public bool HasEnded { get; set; }
    }
}
