using Macula.Protocols.Kademlia;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/08-kademlia.md [KAD-35] to [KAD-38].</summary>
public sealed class WatchedKeyTests
{
    private static readonly WatchedKeyOptions Options = new();

    private readonly SplitMix _random = new(1);
    private readonly WatchedKey _watched = new(Given.ProcedureKey, Options, Given.Start);
    private readonly Contact[] _near;

    public WatchedKeyTests() => _near = [.. Enumerable.Range(0, 6).Select(number => Given.Contact(Given.Node(_random), number))];

    [Fact]
    public void KeyIsWatchedAtTheThreeNearestAndReadAfterwards() // [KAD-35] [KAD-36]
    {
        Assert.IsType<WatchedKeyOutput.FindHolders>(Assert.Single(Poll(Given.Start)));
        _watched.HandleHolders(_near, Given.Start, _random);
        Assert.Equal(_near.Take(3), Poll(Given.Start).Cast<WatchedKeyOutput.Watch>().Select(watch => watch.Holder));

        Grant(_near[0], WatchContinuity.Begun);
        var read = Assert.IsType<WatchedKeyOutput.Read>(Assert.Single(Poll(Given.Start)));
        Assert.Equal((_near[0], Given.ProcedureKey), (read.Holder, read.Key));
        Assert.Equal(0, _watched.HoldersInForce);
        _watched.HandleRead(_near[0].Node, read.Number);
        Assert.Equal(1, _watched.HoldersInForce);
    }

    [Fact]
    public void PushedRecordsChangeWhatIsKnownOnce() // [KAD-35]
    {
        var publisher = Given.Node(_random);
        var record = Given.Provider(publisher);
        Assert.Equal([record], _watched.HandleRecords([record], Given.Start, Given.WallStart));
        Assert.Empty(_watched.HandleRecords([record, Given.Provider(publisher, procedure: "other")], Given.Start, Given.WallStart));
        Assert.Equal([record], _watched.Live(Given.Start));

        var tombstone = Given.Provider(publisher, 2, RecordState.Withdrawn);
        Assert.Equal([tombstone], _watched.HandleRecords([tombstone], Given.Start, Given.WallStart));
        Assert.Empty(_watched.Live(Given.Start));
    }

    [Fact]
    public void RecordOfAProviderThatDiedWithoutAWordExpires() // [KAD-35]
    {
        _watched.HandleRecords([Given.Provider(Given.Node(_random))], Given.Start, Given.WallStart);

        Assert.Single(_watched.Live(Given.Start + TimeSpan.FromMinutes(29)));
        Assert.Empty(_watched.Live(Given.Start + TimeSpan.FromMinutes(30)));
    }

    [Fact]
    public void WatchIsRenewedAtHalfItsLease() // [KAD-36]
    {
        InForce();
        var renewAt = Given.Start + (Options.Lease / 2);
        Assert.Equal(renewAt, _watched.PollTimeout());
        _watched.HandleTimeout(renewAt);
        Assert.Equal(3, Poll(renewAt).OfType<WatchedKeyOutput.Watch>().Count());

        _watched.HandleWatching(_near[0].Node, Options.Lease, WatchContinuity.Renewed, renewAt);
        Assert.Empty(Poll(renewAt));
        _watched.HandleWatching(_near[1].Node, Options.Lease, WatchContinuity.Begun, renewAt);
        Assert.Equal(_near[1], Assert.IsType<WatchedKeyOutput.Read>(Assert.Single(Poll(renewAt))).Holder);
        Assert.Equal(2, _watched.HoldersInForce);
    }

    [Fact]
    public void ReadingFromBeforeTheWatchBeganDoesNotCount() // [KAD-36]
    {
        InForce();
        _watched.HandleWatching(_near[0].Node, Options.Lease, WatchContinuity.Begun, Given.Start);
        var first = Assert.IsType<WatchedKeyOutput.Read>(Assert.Single(Poll(Given.Start)));
        _watched.HandleWatching(_near[0].Node, Options.Lease, WatchContinuity.Begun, Given.Start);
        var second = Assert.IsType<WatchedKeyOutput.Read>(Assert.Single(Poll(Given.Start)));

        _watched.HandleRead(_near[0].Node, first.Number);
        Assert.Equal(2, _watched.HoldersInForce);
        _watched.HandleRead(_near[0].Node, second.Number);
        Assert.Equal(3, _watched.HoldersInForce);
    }

    [Fact]
    public void LateReadingDoesNotCountForTheHoldersNextLife() // [KAD-36]
    {
        Poll(Given.Start);
        _watched.HandleHolders([_near[0]], Given.Start, _random);
        Grant(_near[0], WatchContinuity.Begun);
        var late = Assert.Single(Poll(Given.Start).OfType<WatchedKeyOutput.Read>());
        _watched.HandleFailed(_near[0].Node, Given.Start);
        var again = _watched.PollTimeout();
        Poll(again);
        _watched.HandleHolders([_near[0]], again, _random);
        _watched.HandleRead(_near[0].Node, late.Number);
        _watched.HandleWatching(_near[0].Node, Options.Lease, WatchContinuity.Renewed, again);

        Assert.False(_watched.IsInForce);
        Assert.Single(Poll(again).OfType<WatchedKeyOutput.Read>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9_999)]
    public void HolderThatGivesNoLeaseWorthTheNameHasRefused(int milliseconds) // [KAD-36]
    {
        InForce();
        _watched.HandleWatching(_near[0].Node, TimeSpan.FromMilliseconds(milliseconds), WatchContinuity.Begun, Given.Start);

        Assert.Equal(_near[3], Assert.IsType<WatchedKeyOutput.Watch>(Assert.Single(Poll(Given.Start))).Holder);
        Assert.Equal(2, _watched.HoldersInForce);
    }

    [Fact]
    public void LeaseBeyondWhatWasAskedForIsNotReliedOn() // [KAD-36]
    {
        InForce();
        _watched.HandleTimeout(Given.Start + (Options.Lease / 2));
        Poll(Given.Start + (Options.Lease / 2));
        foreach (var holder in _near.Take(3))
        {
            _watched.HandleWatching(holder.Node, WatchFrame.MaxLease, WatchContinuity.Renewed, Given.Start + (Options.Lease / 2));
        }

        Assert.Equal(Given.Start + Options.Lease, _watched.PollTimeout());
    }

    [Fact]
    public void DeadHolderIsReplacedByTheNextNearest() // [KAD-37]
    {
        InForce();
        _watched.HandleFailed(_near[1].Node, Given.Start);

        Assert.Equal(_near[3], Assert.IsType<WatchedKeyOutput.Watch>(Assert.Single(Poll(Given.Start))).Holder);
        Assert.Equal(2, _watched.HoldersInForce);
    }

    [Fact]
    public void WhenNoHolderIsLeftTheyAreLookedUpAgainUntilOneIsFound() // [KAD-37]
    {
        InForce();
        foreach (var holder in _near)
        {
            _watched.HandleFailed(holder.Node, Given.Start);
        }

        Poll(Given.Start);
        var now = Given.Start;
        for (var round = 0; round < 20; round++)
        {
            now = _watched.PollTimeout();
            Assert.InRange(now - Given.Start, TimeSpan.Zero, (round + 1) * Options.LongestWait);
            Assert.IsType<WatchedKeyOutput.FindHolders>(Assert.Single(Poll(now)));
            _watched.HandleHolders([], now, _random);
        }

        now = _watched.PollTimeout();
        Poll(now);
        _watched.HandleHolders([_near[5]], now, _random);
        Assert.Equal(_near[5], Assert.IsType<WatchedKeyOutput.Watch>(Assert.Single(Poll(now))).Holder);
    }

    [Fact]
    public void HoldersThatAllRefuseAreAskedEverMoreSeldom() // [KAD-37]
    {
        var now = Given.Start;
        for (var round = 0; round < 30; round++)
        {
            Assert.IsType<WatchedKeyOutput.FindHolders>(Assert.Single(Poll(now)));
            _watched.HandleHolders(_near, now, _random);
            foreach (var holder in _near)
            {
                _watched.HandleFailed(holder.Node, now);
            }

            while (_watched.TryPoll(now, out _))
            {
            }

            now = _watched.PollTimeout();
        }

        Assert.True(now - Given.Start > TimeSpan.FromMinutes(2));
    }

    [Fact]
    public void LookupThatFindsNobodyEndsNoWatch() // [KAD-37]
    {
        InForce();
        var later = Given.Start + Options.ReassertInterval;
        Poll(later);
        _watched.HandleHolders([], later, _random);

        Assert.Equal(3, _watched.HoldersInForce);
    }

    [Fact]
    public void HoldersAreLookedUpAndReadAnewSlowlyWhateverWasPushed() // [KAD-38]
    {
        InForce();
        var later = Given.Start + Options.ReassertInterval;
        Assert.IsType<WatchedKeyOutput.FindHolders>(Assert.Single(Poll(later)));
        var newcomer = Given.Contact(Given.Node(_random), 99);
        _watched.HandleHolders([newcomer, _near[0], _near[1], _near[2]], later, _random);

        var outputs = Poll(later);
        Assert.Equal([_near[0], _near[1]], outputs.OfType<WatchedKeyOutput.Read>().Select(read => read.Holder));
        Assert.Equal(newcomer, Assert.Single(outputs.OfType<WatchedKeyOutput.Watch>()).Holder);
    }

    [Fact]
    public void RequestThatNobodyReportsOnCountsAsFailed() // [KAD-37]
    {
        Poll(Given.Start);
        _watched.HandleHolders(_near, Given.Start, _random);
        Poll(Given.Start);
        var late = Given.Start + Options.RequestTimeout;
        _watched.HandleTimeout(late);

        Assert.Equal(_near.Skip(3), Poll(late).Cast<WatchedKeyOutput.Watch>().Select(watch => watch.Holder));
    }

    private void InForce()
    {
        Poll(Given.Start);
        _watched.HandleHolders(_near, Given.Start, _random);
        foreach (var holder in _near.Take(3))
        {
            Grant(holder, WatchContinuity.Begun);
        }

        foreach (var read in Poll(Given.Start).OfType<WatchedKeyOutput.Read>())
        {
            _watched.HandleRead(read.Holder.Node, read.Number);
        }

        Assert.Equal(3, _watched.HoldersInForce);
    }

    private void Grant(Contact holder, WatchContinuity continuity) => _watched.HandleWatching(holder.Node, Options.Lease, continuity, Given.Start);

    private List<WatchedKeyOutput> Poll(Instant now)
    {
        var outputs = new List<WatchedKeyOutput>();
        while (_watched.TryPoll(now, out var output))
        {
            outputs.Add(output);
        }

        return outputs;
    }
}
