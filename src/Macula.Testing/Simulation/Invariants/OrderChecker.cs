using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 4: a subscription gets the events of one publisher on one topic in the order of their publishing, each at most once.</summary>
/// <remarks>A publisher that starts anew begins another sequence; between two of its lives there is no order.</remarks>
public sealed class OrderChecker : InvariantChecker
{
    // Events are numbered in the order in which they are published.
    private readonly Dictionary<(long Subscription, NodeId Publisher, ulong Epoch, TopicName Topic), long> _last = [];
    private readonly HashSet<(long Subscription, long Event)> _delivered = [];
    private readonly Dictionary<EventId, long> _byId = [];

    /// <inheritdoc/>
    public override int Invariant => 4;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        if (observation is not Observation.Delivered delivered)
        {
            return;
        }

        if (!_delivered.Add((delivered.Subscription, delivered.Event)))
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} on {delivered.Topic} was delivered twice to subscription {delivered.Subscription}.");
            return;
        }

        if (_byId.TryGetValue(delivered.Id, out var namesake) && namesake != delivered.Event)
        {
            Report(delivered.At, delivered.Node, $"Events {namesake} and {delivered.Event} have the same publisher, epoch and sequence {delivered.Id.Sequence}.");
        }

        _byId[delivered.Id] = delivered.Event;
        var sequence = (delivered.Subscription, delivered.Id.Publisher, delivered.Id.Epoch, delivered.Topic);
        if (_last.TryGetValue(sequence, out var before) && before > delivered.Event)
        {
            Report(delivered.At, delivered.Node, $"Event {delivered.Event} on {delivered.Topic} was delivered to subscription {delivered.Subscription} after event {before} of the same publisher.");
        }

        _last[sequence] = Math.Max(before, delivered.Event);
    }
}
