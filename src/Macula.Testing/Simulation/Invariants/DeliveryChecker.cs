using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 3: what is delivered was published, to a subscription that exists and covers its topic, and whose end was not acknowledged before.</summary>
public sealed class DeliveryChecker : InvariantChecker
{
    private readonly Dictionary<long, Subscription> _subscriptions = [];
    private readonly Dictionary<long, TopicName> _published = [];

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
        }
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
