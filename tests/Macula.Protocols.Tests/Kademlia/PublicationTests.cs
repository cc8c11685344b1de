using Macula.Protocols.Kademlia;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/09-records.md [REC-15] to [REC-19].</summary>
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
        publication.HandleStored(Tally(15, newest: first.Body.Sequence + 60_000), Given.Start, Given.WallStart, _random);

        Assert.Equal(first.Body.Sequence + 60_001, Signed(publication, Given.Start).Sequence);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(int.MaxValue, false)]
    public void SequenceThatNoHolderCouldTakeIsNotFollowed(int millisecondsBeyondReach, bool isFollowed) // [REC-16]
    {
        var publication = new Publication(Content, -1, Options);
        var sent = Publish(publication, Given.Start, stored: null).Body.Sequence;
        var reach = (Given.WallStart + Options.TimeToLive + RecordSet.MaxClockLead).UnixMilliseconds;
        publication.HandleStored(Tally(15, reach + millisecondsBeyondReach), Given.Start, Given.WallStart, _random);

        Assert.Equal(isFollowed ? reach : sent, publication.LastSequence);
        Assert.Equal(isFollowed, !publication.IsInForce);
    }

    [Theory]
    [InlineData(4_000_000_000_000)]
    [InlineData(long.MaxValue)]
    public void ClockThatWasWrongDoesNotShutAPublisherOut(long lastSequence) => // [REC-15]
        Assert.Equal(Given.WallStart.UnixMilliseconds, Signed(new Publication(Content, lastSequence, Options), Given.Start).Sequence);

    [Fact]
    public void RepublishesBeforeHalfTheTimeToLiveWithJitter() // [REC-17]
    {
        var rests = new List<double>();
        for (var round = 0; round < 200; round++)
        {
            var publication = new Publication(Content, -1, Options);
            Publish(publication, Given.Start, stored: 20);
            Assert.True(publication.TryPoll(Given.Start, Given.WallStart, out _));
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

        Publish(publication, now, stored: 20);
        Assert.True(publication.TryPoll(now, Given.WallStart, out var output));
        Assert.IsType<PublicationOutput.InForce>(output);
        Assert.True(publication.PollTimeout() - now > Options.LongestWait);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("", false)]
    [InlineData("0", false)]
    [InlineData("10", false)]
    [InlineData("11", true)]
    [InlineData("111", true)]
    [InlineData("11100", true)]
    [InlineData("111000", false)]
    [InlineData("1101111", false)]
    [InlineData("11111111110000000000", false)]
    [InlineData("11111111111000000000", true)]
    [InlineData("111111111110000000000000", true)]
    public void InForceOnTheThreeNearestAndMoreThanHalf(string held, bool isInForce) // [REC-19]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: null);
        publication.HandleStored(new StoreTally([.. held.Select(digit => digit == '1' ? StoreAnswer.Held : StoreAnswer.Silent)], -1), Given.Start, Given.WallStart, _random);

        Assert.Equal(isInForce, publication.IsInForce);
        Assert.Equal(isInForce, publication.TryPoll(Given.Start, Given.WallStart, out var output) && output is PublicationOutput.InForce);
        Assert.False(publication.TryPoll(Given.Start, Given.WallStart, out _));
    }

    [Fact]
    public void RecordThatTooFewHoldIsOfferedAsItIsUntilItIsInForce() // [REC-19]
    {
        var publication = new Publication(Content, -1, Options);
        var now = Given.Start;
        var record = Publish(publication, now, stored: null);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            publication.HandleStored(new StoreTally([StoreAnswer.Held, StoreAnswer.Silent, StoreAnswer.Held], -1), now, Given.WallStart, _random);
            Assert.InRange(publication.PollTimeout() - now, TimeSpan.Zero, Options.LongestWait);
            now = publication.PollTimeout();
            Assert.True(publication.TryPoll(now, Given.WallStart, out var again));
            Assert.Same(record, Assert.IsType<PublicationOutput.Store>(again).Record);
        }

        publication.HandleStored(Tally(20), now, Given.WallStart, _random);
        Assert.True(publication.IsInForce);
        Assert.InRange((publication.PollTimeout() - Given.Start) / Options.TimeToLive, 0.4, 0.5);
    }

    [Fact]
    public void RecordThatTooFewHoldIsStillSignedAnewBeforeHalfItsTime() // [REC-17]
    {
        var publication = new Publication(Content, -1, Options);
        var now = Given.Start;
        Publish(publication, now, stored: null);
        PublicationOutput? output = null;
        while (output is not PublicationOutput.Sign)
        {
            publication.HandleStored(new StoreTally([StoreAnswer.Held, StoreAnswer.Silent, StoreAnswer.Held], -1), now, Given.WallStart, _random);
            now = publication.PollTimeout();
            Assert.True(publication.TryPoll(now, Given.WallStart, out output));
        }

        Assert.InRange((now - Given.Start) / Options.TimeToLive, 0.4, 0.52);
    }

    [Fact]
    public void HoldersThatRefuseAreAskedEverMoreSeldom() // [REC-19]
    {
        var publication = new Publication(Content, -1, new PublicationOptions { TimeToLive = RecordBody.MaxTimeToLive });
        var (now, longest) = (Given.Start, TimeSpan.Zero);
        Publish(publication, now, stored: null);
        for (var attempt = 0; attempt < 50; attempt++)
        {
            publication.HandleStored(new StoreTally([StoreAnswer.Held, StoreAnswer.Refused, StoreAnswer.Held], -1), now, Given.WallStart, _random);
            var wait = publication.PollTimeout() - now;
            longest = wait > longest ? wait : longest;
            now = publication.PollTimeout();
            Assert.True(publication.TryPoll(now, Given.WallStart, out _));
        }

        Assert.InRange(longest, TimeSpan.FromMinutes(3), Options.LongestWaitWhenRefused);
    }

    [Fact]
    public void RecordThatIsRefusedHereAndThereIsSignedAnewInTime() // [REC-17]
    {
        var options = new PublicationOptions { TimeToLive = RecordBody.MinTimeToLive };
        var publication = new Publication(Content, -1, options);
        var (now, signedAt) = (Given.Start, Given.Start);
        Publish(publication, now, stored: null);
        for (var attempt = 0; attempt < 50; attempt++)
        {
            publication.HandleStored(new StoreTally([StoreAnswer.Held, StoreAnswer.Refused, StoreAnswer.Held], -1), now, Given.WallStart, _random);
            now = publication.PollTimeout();
            Assert.True(now - signedAt <= options.TimeToLive / 2);
            Assert.True(publication.TryPoll(now, Given.WallStart, out var output));
            if (output is PublicationOutput.Sign sign)
            {
                signedAt = now;
                publication.HandleSigned(Sign(sign));
                Assert.True(publication.TryPoll(now, Given.WallStart, out _));
            }
        }

        Assert.True(signedAt > Given.Start + options.TimeToLive);
    }

    [Fact]
    public void UpdateIsInForceOnlyWhenItIsStored() // [REC-19]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: 20);
        Assert.True(publication.IsInForce);
        publication.Update(Content with { Load = 500 });
        Assert.False(publication.IsInForce);
        Publish(publication, Given.Start, stored: 20);

        Assert.True(publication.TryPoll(Given.Start, Given.WallStart, out var output));
        Assert.IsType<PublicationOutput.InForce>(output);
    }

    [Fact]
    public void RecordStaysInForceWhileItIsRepublishedUnlessTooFewHoldIt() // [REC-19]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: 20);
        Assert.True(publication.TryPoll(Given.Start, Given.WallStart, out _));
        publication.Republish();
        Publish(publication, Given.Start, stored: null);
        Assert.True(publication.IsInForce);
        publication.HandleStored(Tally(2), Given.Start, Given.WallStart, _random);

        Assert.False(publication.IsInForce);
    }

    [Fact]
    public void TwoWhoPublishWithOneKeyDoNotChaseEachOtherWithoutAPause() // [REC-16]
    {
        var publication = new Publication(Content, -1, Options);
        var now = Given.Start;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var record = Publish(publication, now, stored: null);
            publication.HandleStored(Tally(0, record.Body.Sequence + 1), now, Given.WallStart, _random);
            now = attempt == 0 ? now : publication.PollTimeout();
        }

        Assert.True(now - Given.Start > TimeSpan.FromSeconds(30));
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
    public void WithdrawalIsOfferedUntilItStandsWhereTheRecordDid() // [REC-18]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: 20);
        publication.Withdraw();
        var tombstone = Publish(publication, Given.Start, stored: null);
        var now = Given.Start;
        foreach (var count in new[] { 1, 2, 10 })
        {
            publication.HandleStored(Tally(count), now, Given.WallStart, _random);
            Assert.InRange(publication.PollTimeout() - now, TimeSpan.Zero, Options.LongestWait);
            now = publication.PollTimeout();
            Assert.True(publication.TryPoll(now, Given.WallStart, out var again));
            Assert.Same(tombstone, Assert.IsType<PublicationOutput.Store>(again).Record);
        }

        publication.HandleStored(Tally(11), now, Given.WallStart, _random);
        Assert.True(publication.TryPoll(now, Given.WallStart, out var output));
        Assert.IsType<PublicationOutput.Withdrawn>(output);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void WithdrawalThatTooFewTakeEndsWhenTheRecordIsOverEverywhere(int stored) // [REC-18]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: 20);
        var now = Given.Start + TimeSpan.FromMinutes(3);
        publication.Withdraw();
        PublicationOutput? output = null;
        while (output is not PublicationOutput.Withdrawn)
        {
            now = publication.PollTimeout() == Instant.Never ? now : publication.PollTimeout();
            Assert.True(publication.TryPoll(now, Given.WallStart, out output));
            if (output is PublicationOutput.Sign sign)
            {
                publication.HandleSigned(Sign(sign));
            }
            else if (output is PublicationOutput.Store)
            {
                publication.HandleStored(Tally(stored), now, Given.WallStart, _random);
            }
        }

        Assert.Equal(Given.Start + Options.TimeToLive + RecordSet.MaxClockLead, now);
    }

    [Fact]
    public void WithdrawalWhileStoringComesAfterIt() // [REC-18]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: null);
        publication.Withdraw();
        Assert.False(publication.TryPoll(Given.Start, Given.WallStart, out _));
        publication.HandleStored(Tally(20), Given.Start, Given.WallStart, _random);

        Assert.Equal(RecordState.Withdrawn, Signed(publication, Given.Start).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatStandsAgainIsNewerThanItsTombstone(bool isTombstoneStored) // [REC-15]
    {
        var publication = new Publication(Content, -1, Options);
        Publish(publication, Given.Start, stored: 20);
        publication.Withdraw();
        var tombstone = Publish(publication, Given.Start, stored: isTombstoneStored ? 20 : null);
        publication.Update(Content);
        if (!isTombstoneStored)
        {
            publication.HandleStored(Tally(20), Given.Start, Given.WallStart, _random);
        }

        var again = Publish(publication, Given.Start, stored: 20);

        Assert.False(again.IsTombstone);
        Assert.True(again.Supersedes(tombstone));
        Assert.True(publication.IsInForce);
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
        Assert.True(publication.TryPoll(Given.Start, Given.WallStart, out _));
        publication.Update(Content with { });

        Assert.False(publication.TryPoll(Given.Start, Given.WallStart, out _));
    }

    private static StoreTally Tally(int count, long newest = -1) => new([.. Enumerable.Range(0, 20).Select(index => index < count ? StoreAnswer.Held : StoreAnswer.Silent)], newest);

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
            publication.HandleStored(Tally(count), now, Given.WallStart, _random);
        }

        return record;
    }
}
