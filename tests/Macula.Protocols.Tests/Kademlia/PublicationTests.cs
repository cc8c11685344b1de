using Macula.Protocols.Kademlia;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/09-records.md [REC-15] to [REC-18].</summary>
public sealed class PublicationTests
{
    private static readonly PublicationOptions Options = new();
    private static readonly RecordContent.Provider Content = new(Given.Procedure, 1, 0);

    private readonly SplitMix _random = new(1);

    [Fact]
    public void SequenceIsTheTimeOrOneMoreThanTheLast() // [REC-15]
    {
        var milliseconds = Given.WallStart.UnixMilliseconds;

        Assert.Equal(milliseconds, Signed(new Publication(Content, -1, Options), Given.Start).Sequence);
        Assert.Equal(milliseconds, Signed(new Publication(Content, milliseconds - 1, Options), Given.Start).Sequence);
        Assert.Equal(milliseconds + 8, Signed(new Publication(Content, milliseconds + 7, Options), Given.Start).Sequence);
    }

    [Fact]
    public void HolderThatRemembersMoreRaisesTheSequenceAtOnce() // [REC-16]
    {
        var publication = new Publication(Content, -1, Options);
        var first = Publish(publication, Given.Start, stored: null);
        publication.HandleStored(15, first.Body.Sequence + 60_000, Given.Start, _random);

        Assert.Equal(first.Body.Sequence + 60_001, Signed(publication, Given.Start).Sequence);
    }

    [Fact]
    public void RepublishesBeforeHalfTheTimeToLiveWithJitter() // [REC-17]
    {
        var rests = new List<double>();
        for (var round = 0; round < 200; round++)
        {
            var publication = new Publication(Content, -1, Options);
            Publish(publication, Given.Start, stored: 20);
            rests.Add((publication.PollTimeout() - Given.Start) / Options.TimeToLive);
            Assert.False(publication.TryPoll(publication.PollTimeout() - TimeSpan.FromTicks(1), Given.WallStart, out _));
            Assert.True(Signed(publication, publication.PollTimeout()).Sequence > Given.WallStart.UnixMilliseconds);
        }

        Assert.All(rests, rest => Assert.InRange(rest, 0.4, 0.5));
        Assert.True(rests.Max() - rests.Min() > 0.08);
    }

    [Fact]
    public void RecordThatNobodyTookIsOfferedUntilSomebodyDoes() // [REC-17]
    {
        var publication = new Publication(Content, -1, Options);
        var now = Given.Start;
        for (var attempt = 0; attempt < 100; attempt++)
        {
            Publish(publication, now, stored: 0);
            Assert.InRange(publication.PollTimeout() - now, TimeSpan.Zero, Options.LongestWait);
            now = publication.PollTimeout();
        }

        Publish(publication, now, stored: 1);
        Assert.True(publication.PollTimeout() - now > Options.LongestWait);
    }

    [Fact]
    public void WithdrawalStoresATombstoneAndEnds() // [REC-18]
    {
        var publication = new Publication(Content, -1, Options);
        var live = Publish(publication, Given.Start, stored: 20);
        publication.Withdraw();
        var tombstone = Publish(publication, Given.Start, stored: 20);

        Assert.True(tombstone.IsTombstone);
        Assert.True(tombstone.Supersedes(live));
        Assert.Equal(live.Key, tombstone.Key);
        Assert.True(tombstone.Body.Expires >= live.Body.Expires);
        Assert.True(publication.TryPoll(Given.Start, Given.WallStart, out var output));
        Assert.IsType<PublicationOutput.Withdrawn>(output);
        Assert.False(publication.TryPoll(Given.Start + TimeSpan.FromDays(1), Given.WallStart, out _));
        Assert.Equal(Instant.Never, publication.PollTimeout());
    }

    [Fact]
    public void WithdrawalWhileStoringComesAfterIt() // [REC-18]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: null);
        publication.Withdraw();
        Assert.False(publication.TryPoll(Given.Start, Given.WallStart, out _));
        publication.HandleStored(20, -1, Given.Start, _random);

        Assert.Equal(RecordState.Withdrawn, Signed(publication, Given.Start).State);
    }

    [Fact]
    public void ChangeWhileSigningIsSignedAgainBeforeItIsStored()
    {
        var publication = new Publication(Content, -1, Options);
        var first = Signed(publication, Given.Start);
        publication.Update(Content with { Load = 500 });
        publication.HandleSigned(Sign(first));

        Assert.Equal(Content with { Load = 500 }, Signed(publication, Given.Start).Content);
    }

    [Fact]
    public void SameContentIsNotPublishedAgain()
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: 20);
        publication.Update(Content with { });

        Assert.False(publication.TryPoll(Given.Start, Given.WallStart, out _));
    }

    private static PublicationOutput.Sign Signed(Publication publication, Instant now)
    {
        Assert.True(publication.TryPoll(now, Given.WallStart, out var output));
        return Assert.IsType<PublicationOutput.Sign>(output);
    }

    private static VerifiedRecord Sign(PublicationOutput.Sign sign) =>
        Given.Provider(NodeIds.Numbered(1), sign.Sequence, sign.State, sign.Issued, sign.TimeToLive);

    private VerifiedRecord Publish(Publication publication, Instant now, int? stored)
    {
        publication.HandleSigned(Sign(Signed(publication, now)));
        Assert.True(publication.TryPoll(now, Given.WallStart, out var output));
        var record = Assert.IsType<PublicationOutput.Store>(output).Record;
        if (stored is { } count)
        {
            publication.HandleStored(count, -1, now, _random);
        }

        return record;
    }
}
