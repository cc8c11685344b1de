using Macula.Wire.Identifiers;

namespace Macula.Wire.Frames;

/// <summary>Which of its lanes a publisher sends a topic on (docs/protocol/10-pubsub.md [PUB-6]).</summary>
public static class EventLanes
{
    /// <summary>Most lanes that a publisher has open on one connection.</summary>
    // Enough that one large event holds up few other topics, few enough that a connection with a thousand peers stays cheap.
    public const int MaxPerConnection = 16;

    /// <summary>The lane of a topic, 0 to 15: the same for every event, so that a stream's order is the topic's.</summary>
    public static int LaneOf(TopicName topic)
    {
        ArgumentNullException.ThrowIfNull(topic);
        // The hash is FNV-1a of 32 bits. Its highest byte depends on all bits of every character; the two halves of that make the lane.
        var highest = (uint)topic.GetHashCode() >> 24;
        return (int)((highest >> 4) ^ (highest & 0xf));
    }
}
