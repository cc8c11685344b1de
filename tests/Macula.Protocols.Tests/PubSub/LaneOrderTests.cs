using Macula.Protocols.PubSub;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Protocols.Tests.PubSub;

/// <summary>docs/protocol/10-pubsub.md [PUB-9] to [PUB-11].</summary>
public sealed class LaneOrderTests
{
    private readonly LaneOrder _order = new(NodeIds.Numbered(1), 7);

    [Fact] // [PUB-11]
    public void RisingSequencesAreTakenWithGaps()
    {
        foreach (var sequence in new[] { 1, 2, 5, 1000, long.MaxValue })
        {
            Assert.Null(Handle(sequence));
        }
    }

    [Theory] // [PUB-11]
    [InlineData(5)]
    [InlineData(4)]
    [InlineData(1)]
    public void SequenceThatDoesNotRiseEndsTheLane(long sequence)
    {
        Assert.Null(Handle(5));
        var error = Handle(sequence);
        Assert.Equal((ErrorCode.UnexpectedFrame, "PUB-11"), (error?.Code, error?.Requirement));
    }

    [Fact] // [PUB-9]
    public void EventOfAnotherNodeEndsTheLane()
    {
        var error = _order.Handle(new EventId(NodeIds.Numbered(2), 7, 1));
        Assert.Equal((ErrorCode.NotPermitted, "PUB-9"), (error?.Code, error?.Requirement));
    }

    [Theory] // [PUB-10]
    [InlineData(6)]
    [InlineData(8)]
    public void EventOfAnotherEpochEndsTheLane(ulong epoch)
    {
        var error = _order.Handle(new EventId(NodeIds.Numbered(1), epoch, 1));
        Assert.Equal((ErrorCode.UnexpectedFrame, "PUB-10"), (error?.Code, error?.Requirement));
    }

    private ProtocolError? Handle(long sequence) => _order.Handle(new EventId(NodeIds.Numbered(1), 7, sequence));
}
