using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 8, event by event: once nothing goes wrong any more, an event of a publisher that knows its subscribers reaches every subscription that is in force.</summary>
public sealed class ArrivalChecker : InvariantChecker
{
    // What comes into force within three one-way delays of an event may miss it; on the links of a simulation that has settled one takes 12 ms.
    private static readonly TimeSpan ForceTime = TimeSpan.FromMilliseconds(100);

    // Far longer than the way takes, and shorter than any pause after a failure would be.
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromSeconds(1);

    private readonly Dictionary<long, TopicPattern> _patterns = [];
    private readonly SortedDictionary<long, Observation.InForce> _inForce = [];
    private readonly Dictionary<(string Node, TopicName Topic), string> _realmOfWarm = [];
    private readonly Dictionary<(long Subscription, long Event), Due> _due = [];
    private bool _isSettled;

    /// <inheritdoc/>
    public override int Invariant => 8;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        switch (observation)
        {
            case Observation.Settled:
                _isSettled = true;
                break;
            case Observation.Subscribed subscribed:
                _patterns.Add(subscribed.Subscription, subscribed.Pattern);
                break;
            case Observation.InForce inForce:
                _inForce.Add(inForce.Subscription, inForce);
                break;
            case Observation.Unsubscribing unsubscribing:
                End(unsubscribing.Subscription, unsubscribing.At);
                break;
            case Observation.Warmed warmed:
                _realmOfWarm[(warmed.Node, warmed.Topic)] = warmed.Realm;
                break;
            case Observation.Killed or Observation.Stopped:
                HandleGone(observation.Node, observation.At);
                break;
            case Observation.Published published when _isSettled && _realmOfWarm.TryGetValue((published.Node, published.Topic), out var realm):
                HandlePublished(published, realm);
                break;
            case Observation.Delivered delivered:
                HandleDelivered(delivered);
                break;
        }
    }

    /// <inheritdoc/>
    public override void Finish(TimeSpan at) => ReportMissing(_ => true, at);

    private void HandlePublished(Observation.Published published, string realm)
    {
        foreach (var (subscription, inForce) in _inForce)
        {
            if (inForce.Realm == realm && inForce.Node != published.Node && inForce.At + ForceTime < published.At && _patterns[subscription].Matches(published.Topic))
            {
                _due.Add((subscription, published.Event), new Due(published, inForce.Node));
            }
        }
    }

    private void HandleDelivered(Observation.Delivered delivered)
    {
        if (_due.Remove((delivered.Subscription, delivered.Event), out var due) && due.At < delivered.At)
        {
            Report(delivered.At, due.Subscriber, $"Event {delivered.Event} of {due.Event.Node} on {due.Event.Topic} reached subscription {delivered.Subscription} {(delivered.At - due.Event.At).TotalSeconds:0.000} s after it was published.");
        }
    }

    private void HandleGone(string node, TimeSpan at)
    {
        foreach (var subscription in _inForce.Where(entry => entry.Value.Node == node).Select(entry => entry.Key).ToArray())
        {
            End(subscription, at);
        }

        foreach (var warm in _realmOfWarm.Keys.Where(warm => warm.Node == node).ToArray())
        {
            _realmOfWarm.Remove(warm);
        }

        // What a publisher has not sent when it goes is not due any more.
        foreach (var place in _due.Where(entry => entry.Value.Event.Node == node && entry.Value.At > at).Select(entry => entry.Key).ToArray())
        {
            _due.Remove(place);
        }
    }

    private void End(long subscription, TimeSpan at)
    {
        _inForce.Remove(subscription);
        ReportMissing(place => place.Subscription == subscription, at);
    }

    private void ReportMissing(Func<(long Subscription, long Event), bool> which, TimeSpan at)
    {
        foreach (var (place, due) in _due.Where(entry => which(entry.Key)).ToArray())
        {
            _due.Remove(place);
            if (due.At < at)
            {
                Report(due.At, due.Subscriber, $"Event {place.Event} of {due.Event.Node} on {due.Event.Topic} did not reach subscription {place.Subscription} to {_patterns[place.Subscription]}, which was in force.");
            }
        }
    }

    private sealed record Due(Observation.Published Event, string Subscriber)
    {
        public TimeSpan At => Event.At + DeliveryTime;
    }
}
