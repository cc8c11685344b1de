using Macula.Connections;
using Macula.Realms;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.PubSub;

/// <summary>The lanes of this node's events to one subscriber, as long as a topic that is published here has it.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class SubscriberOutlet(RealmServices realm, NodeId subscriber, Func<CancellationToken, ValueTask<MeshConnection>> connect)
{
    private readonly EventLane?[] _lanes = new EventLane?[EventLanes.MaxPerConnection];

    /// <summary>How many topics have the subscriber.</summary>
    public int Topics { get; set; }

    /// <summary>Sends an event, behind those of its topic that were sent before.</summary>
    public void Send(TopicName topic, ReadOnlyMemory<byte> frame)
    {
        ref var lane = ref _lanes[EventLanes.LaneOf(topic)];
        if (lane is null)
        {
            lane = new EventLane(realm, subscriber, connect);
            lane.Start();
        }

        lane.Enqueue(topic, frame);
    }

    /// <summary>Completes when all that waits was sent and taken: see <see cref="EventLane.FinishAsync"/>.</summary>
    public Task FinishAsync() => Task.WhenAll(_lanes.OfType<EventLane>().Select(static lane => lane.FinishAsync()));

    /// <summary>Sends no more.</summary>
    public void Stop()
    {
        foreach (var lane in _lanes)
        {
            lane?.Stop();
        }
    }
}
