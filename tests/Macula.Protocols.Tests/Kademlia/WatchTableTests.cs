using Macula.Protocols.Kademlia;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/08-kademlia.md [KAD-30] to [KAD-34].</summary>
public sealed class WatchTableTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly SplitMix _random = new(1);
    private readonly NodeId _watcher = NodeIds.Numbered(1);
    private readonly WatchTable _table = new(new WatchTableOptions());

    [Fact]
    public void ChangeIsPushedToThoseWhoWatchTheKey() // [KAD-30]
    {
        Watch(_watcher);
        _table.HandleWatch(NodeIds.Numbered(2), DhtKey.PlaceOf(_watcher), Lease, Given.Start);
        var record = Change();

        var push = Assert.IsType<WatchTableOutput.Push>(Assert.Single(Poll()));
        Assert.Equal((_watcher, Given.ProcedureKey), (push.Watcher, push.Key));
        Assert.Equal([record], push.Records);
    }

    [Fact]
    public void ChangesWhileAPushIsUnderWayComeTogetherNewestOnly() // [KAD-31]
    {
        Watch(_watcher);
        Change();
        Poll();
        var publisher = Given.Node(_random);
        _table.HandleChanged(Given.Provider(publisher, 1), Given.Start);
        var newest = Given.Provider(publisher, 2, RecordState.Withdrawn);
        _table.HandleChanged(newest, Given.Start);
        var other = Change();
        Assert.Empty(Poll());
        _table.HandleDone(_watcher, Given.ProcedureKey, Given.Start);

        var push = Assert.IsType<WatchTableOutput.Push>(Assert.Single(Poll()));
        Assert.Equal(new[] { newest, other }.OrderBy(record => record.Publisher), push.Records);
    }

    [Fact]
    public void WatcherSilentForTwoSecondsLosesItsWatches() // [KAD-32]
    {
        Watch(_watcher);
        _table.HandleWatch(_watcher, DhtKey.PlaceOf(_watcher), Lease, Given.Start);
        Change();
        Poll();
        var late = Given.Start + Given.Seconds(2);
        Assert.Equal(late, _table.PollTimeout());
        _table.HandleTimeout(late - TimeSpan.FromTicks(1));
        Assert.Equal(2, _table.Count);
        _table.HandleTimeout(late);

        Assert.Equal(0, _table.Count);
        Assert.Equal(new WatchTableOutput.Lost(_watcher), Assert.Single(Poll()));
        Assert.Equal(WatchContinuity.Begun, Given1(Watch(_watcher, late)).Continuity);
    }

    [Fact]
    public void TableIsBehindUntilEveryWatcherHasAnsweredThePushOfTheRecord() // [REC-19]
    {
        var other = NodeIds.Numbered(2);
        Watch(_watcher);
        Watch(other);
        var first = Change();
        var second = Change();
        Assert.True(_table.IsBehind(first));
        Assert.True(_table.IsBehind(second));
        Assert.False(_table.IsBehind(Given.Provider(Given.Node(_random))));

        _table.HandleDone(_watcher, Given.ProcedureKey, Given.Start);
        Assert.True(_table.IsBehind(first));
        _table.HandleDone(other, Given.ProcedureKey, Given.Start);
        Assert.False(_table.IsBehind(first));
        Assert.True(_table.IsBehind(second));
        _table.HandleDone(_watcher, Given.ProcedureKey, Given.Start);
        _table.HandleDone(other, Given.ProcedureKey, Given.Start);
        Assert.False(_table.IsBehind(second));
    }

    [Fact]
    public void TableIsNotBehindWithWatchersThatAreLost() // [REC-19]
    {
        Watch(_watcher);
        var underWay = Change();
        var pending = Change();
        _table.HandleTimeout(Given.Start + Given.Seconds(2));

        Assert.False(_table.IsBehind(underWay));
        Assert.False(_table.IsBehind(pending));
    }

    [Fact]
    public void RecordReplacedBeforeItWasPushedKeepsNobodyWaiting() // [REC-19]
    {
        Watch(_watcher);
        Change();
        var publisher = Given.Node(_random);
        var (older, newer) = (Given.Provider(publisher, 1), Given.Provider(publisher, 2));
        _table.HandleChanged(older, Given.Start);
        _table.HandleChanged(newer, Given.Start);

        Assert.False(_table.IsBehind(older));
        Assert.True(_table.IsBehind(newer));
    }

    [Fact]
    public void LeaseEndsUnlessItIsRenewed() // [KAD-30]
    {
        Watch(_watcher);
        Assert.Equal(WatchContinuity.Renewed, Given1(Watch(_watcher, Given.Start + Given.Seconds(30))).Continuity);
        _table.HandleTimeout(Given.Start + Given.Seconds(89));
        Assert.Equal(1, _table.Count);
        _table.HandleTimeout(Given.Start + Given.Seconds(90));
        Assert.Equal(0, _table.Count);
        Assert.Equal(Instant.Never, _table.PollTimeout());
    }

    [Fact]
    public void LeaseOfZeroEndsTheWatch() // [KAD-30]
    {
        Watch(_watcher);
        Assert.Equal(TimeSpan.Zero, Given1(_table.HandleWatch(_watcher, Given.ProcedureKey, TimeSpan.Zero, Given.Start)).Lease);
        Change();

        Assert.Empty(Poll());
    }

    [Fact]
    public void WatcherMoreThanAPageBehindHasAGap() // [KAD-33]
    {
        Watch(_watcher);
        for (var change = 0; change <= RecordsFrame.MaxRecords + 1; change++)
        {
            Change();
        }

        Assert.Single(Poll());
        Assert.Equal(WatchContinuity.Begun, Given1(Watch(_watcher)).Continuity);
    }

    [Fact]
    public void FullTableRefusesNewWatchesAndRenewsOldOnes() // [KAD-34]
    {
        var table = new WatchTable(new WatchTableOptions { MaxPerKey = 2, MaxPerWatcher = 2, MaxWatches = 3 });
        WatchGrant Ask(byte watcher, byte key) => table.HandleWatch(NodeIds.Numbered(watcher), DhtKey.PlaceOf(NodeIds.Numbered(key)), Lease, Given.Start);

        Given1(Ask(1, 1));
        Given1(Ask(2, 1));
        Assert.Contains("MaxPerKey", Assert.IsType<WatchGrant.Refused>(Ask(3, 1)).Detail, StringComparison.Ordinal);
        Given1(Ask(1, 2));
        Assert.Contains("MaxWatches", Assert.IsType<WatchGrant.Refused>(Ask(4, 4)).Detail, StringComparison.Ordinal);
        Assert.Equal(WatchContinuity.Renewed, Given1(Ask(1, 1)).Continuity);
        table.HandleGone(NodeIds.Numbered(2));
        Assert.Contains("MaxPerWatcher", Assert.IsType<WatchGrant.Refused>(Ask(1, 3)).Detail, StringComparison.Ordinal);
        Given1(Ask(4, 4));
    }

    private static WatchGrant.Given Given1(WatchGrant grant) => Assert.IsType<WatchGrant.Given>(grant);

    private WatchGrant Watch(NodeId watcher, Instant? now = null) => _table.HandleWatch(watcher, Given.ProcedureKey, Lease, now ?? Given.Start);

    private VerifiedRecord Change()
    {
        var record = Given.Provider(Given.Node(_random));
        _table.HandleChanged(record, Given.Start);
        return record;
    }

    private List<WatchTableOutput> Poll()
    {
        var outputs = new List<WatchTableOutput>();
        while (_table.TryPoll(out var output))
        {
            outputs.Add(output);
        }

        return outputs;
    }
}
