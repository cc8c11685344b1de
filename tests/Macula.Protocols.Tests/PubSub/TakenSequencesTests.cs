using Macula.Protocols.PubSub;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.PubSub;

/// <summary>Events that come over a connection which another has replaced: docs/protocol/10-pubsub.md.</summary>
public sealed class TakenSequencesTests
{
    [Fact]
    public void AnEventThatComesAfterALaterOneOfItsLaneIsPassedOver() // [PUB-15]
    {
        var taken = new TakenSequences();

        Assert.True(taken.TryTake(Event("sensor.load", 3)));
        Assert.False(taken.TryTake(Event("sensor.load", 2)));
        Assert.False(taken.TryTake(Event("sensor.load", 3)));
        Assert.True(taken.TryTake(Event("sensor.load", 5)));
    }

    [Fact]
    public void LanesDoNotWaitForEachOther() // [PUB-15]
    {
        var taken = new TakenSequences();
        var other = Enumerable.Range(0, 100).Select(number => $"sensor.kind-{number}").First(topic => LaneOf(topic) != LaneOf("sensor.load"));

        Assert.True(taken.TryTake(Event("sensor.load", 9)));
        Assert.True(taken.TryTake(Event(other, 4)));
    }

    private static int LaneOf(string topic) => EventLanes.LaneOf(TopicName.Parse(topic));

    private static EventFrame Event(string topic, long sequence) =>
        new(TopicName.Parse(topic), new EventId(NodeIds.Numbered(1), 7, sequence), new WallTime(1_800_000_000_000), 0, Payload.Nil);
}
