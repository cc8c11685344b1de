using System.Collections.Immutable;
using Macula.Protocols.Kademlia;
using Macula.Wire.Errors;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/09-records.md [REC-10] to [REC-14].</summary>
public sealed class RecordStoreTests
{
    private readonly SplitMix _random = new(1);
    private readonly NodeId _self;
    private readonly NodeId _publisher;
    private readonly RecordStore _store;

    public RecordStoreTests()
    {
        _self = Given.Node(_random);
        _publisher = Given.Node(_random);
        _store = new RecordStore(_self, new RecordStoreOptions());
    }

    [Fact]
    public void LowerSequenceNeverReplacesAHigherAndGetsWhatIsHeld() // [REC-10]
    {
        var held = Given.Provider(_publisher, sequence: 5);
        Assert.IsType<RecordOutcome.Kept>(Store(held));
        Assert.IsType<RecordOutcome.Same>(Store(held));

        Assert.Equal(new RecordOutcome.Superseded(held), Store(Given.Provider(_publisher, sequence: 4)));
        Assert.Equal(held, Assert.Single(Page()));
    }

    [Fact]
    public void LiveGivesWhatHoldsWithoutTombstones() // [REC-12]
    {
        var live = Given.Provider(_publisher);
        Store(live);
        Store(Given.Provider(Given.Node(_random), state: RecordState.Withdrawn));

        Assert.Equal([live], _store.Live(live.Key, Given.Start));
        Assert.Empty(_store.Live(live.Key, Given.Start + live.Body.TimeToLive));
        Assert.Empty(_store.Live(DhtKey.PlaceOf(_self), Given.Start));
    }

    [Fact]
    public void OfOneSequenceUsedTwiceTheGreaterHashStays() // [REC-10]
    {
        var pair = new[] { Given.Provider(_publisher, load: 1), Given.Provider(_publisher, load: 2) };
        var winner = pair[0].Supersedes(pair[1]) ? pair[0] : pair[1];
        var other = new RecordStore(_self, new RecordStoreOptions());
        foreach (var (record, mirrored) in pair.Zip(pair.Reverse()))
        {
            Store(record);
            other.Store(mirrored, Given.Start, Given.WallStart);
        }

        Assert.Equal(winner, Assert.Single(Page()));
        Assert.Equal(winner, Assert.Single(other.Page(winner.Key, null, Given.Start).Records));
        Assert.False(pair[0].Supersedes(pair[0]));
    }

    [Fact]
    public void SequenceMoreThanFiveMinutesAheadIsRefused() // [REC-11]
    {
        var edge = Given.WallStart.UnixMilliseconds + 300_000;

        AssertRefused(ErrorCode.RecordFromFuture, Store(Given.Provider(_publisher, sequence: edge + 1)));
        AssertRefused(ErrorCode.RecordFromFuture, Store(Given.Provider(_publisher, issued: new WallTime(edge + 1))));
        Assert.IsType<RecordOutcome.Kept>(Store(Given.Provider(_publisher, sequence: edge, issued: new WallTime(edge))));
    }

    [Fact]
    public void RecordWhoseTimeIsOverIsRefused() // [REC-11]
    {
        var issued = Given.WallStart + -TimeSpan.FromMinutes(30);

        AssertRefused(ErrorCode.RecordExpired, Store(Given.Provider(_publisher, issued: issued)));
        Assert.IsType<RecordOutcome.Kept>(Store(Given.Provider(_publisher, issued: issued + TimeSpan.FromMilliseconds(1))));
    }

    [Fact]
    public void ExpiredRecordIsNeverServedWhateverTheWallClockDoes() // [REC-11]
    {
        Store(Given.Provider(_publisher, timeToLive: TimeSpan.FromMinutes(10)));
        var end = Given.Start + TimeSpan.FromMinutes(10);

        Assert.Equal(end, _store.PollTimeout());
        Assert.Single(_store.Page(Given.ProcedureKey, null, end - TimeSpan.FromTicks(1)).Records);
        Assert.Empty(_store.Page(Given.ProcedureKey, null, end).Records);
        _store.HandleTimeout(end);
        Assert.Equal(0, _store.Count);
        Assert.Equal(Instant.Never, _store.PollTimeout());
    }

    [Fact]
    public void ClockAheadDoesNotLengthenALife() // [REC-11]
    {
        Store(Given.Provider(_publisher, issued: Given.WallStart + TimeSpan.FromMinutes(5), timeToLive: TimeSpan.FromMinutes(10)));

        Assert.Equal(Given.Start + TimeSpan.FromMinutes(10), _store.PollTimeout());
    }

    [Fact]
    public void TombstoneStaysUntilAllThatItSupersedesHasExpired() // [REC-12]
    {
        Store(Given.Provider(_publisher, sequence: 1, timeToLive: TimeSpan.FromHours(2)));
        Store(Given.Provider(_publisher, sequence: 2, RecordState.Withdrawn, timeToLive: TimeSpan.FromMinutes(1)));
        var later = TimeSpan.FromHours(2) - TimeSpan.FromSeconds(1);

        Assert.True(Assert.Single(_store.Page(Given.ProcedureKey, null, Given.Start + later).Records).IsTombstone);
        var revived = _store.Store(Given.Provider(_publisher, sequence: 1, timeToLive: TimeSpan.FromHours(2)), Given.Start + later, Given.WallStart + later);
        Assert.IsType<RecordOutcome.Superseded>(revived);
    }

    [Theory]
    [InlineData(RecordState.Live)]
    [InlineData(RecordState.Withdrawn)]
    public void OlderRecordDoesNotComeBackWhenTheNewerEnds(RecordState between) // [REC-12]
    {
        var oldest = Given.Provider(_publisher, sequence: 1, timeToLive: TimeSpan.FromHours(2));
        var newest = Given.Provider(_publisher, sequence: 3, timeToLive: TimeSpan.FromMinutes(1));
        Store(oldest);
        Store(Given.Provider(_publisher, sequence: 2, between, timeToLive: TimeSpan.FromMinutes(1)));
        Store(newest);
        Assert.Equal([newest], Page());

        var later = TimeSpan.FromHours(2) - TimeSpan.FromSeconds(1);
        Assert.Empty(_store.Page(Given.ProcedureKey, null, Given.Start + later).Records);
        Assert.Empty(_store.Live(Given.ProcedureKey, Given.Start + later));
        Assert.Equal(new RecordOutcome.Superseded(newest), _store.Store(oldest, Given.Start + later, Given.WallStart + later));
        var again = Given.Provider(_publisher, sequence: 4, issued: Given.WallStart + later);
        Assert.IsType<RecordOutcome.Kept>(_store.Store(again, Given.Start + later, Given.WallStart + later));
        Assert.Equal([again], _store.Live(Given.ProcedureKey, Given.Start + later));

        _store.HandleTimeout(Given.Start + TimeSpan.FromHours(3));
        Assert.Equal(0, _store.Count);
    }

    [Fact]
    public void RememberedRecordThatIsStillInTimeIsServedWhenItComesAgain() // [REC-11] [REC-12]
    {
        Store(Given.Provider(_publisher, sequence: 1, timeToLive: TimeSpan.FromHours(2)));
        var newest = Given.Provider(_publisher, sequence: 2, issued: Given.WallStart + TimeSpan.FromMinutes(5), timeToLive: TimeSpan.FromMinutes(1));
        Store(newest);
        var later = TimeSpan.FromMinutes(2);
        Assert.Empty(_store.Live(newest.Key, Given.Start + later));

        Assert.IsType<RecordOutcome.Kept>(_store.Store(newest, Given.Start + later, Given.WallStart + later));
        Assert.Equal([newest], _store.Live(newest.Key, Given.Start + later));
    }

    [Fact]
    public void ExpiringLetsGoOfWhatIsOverAndOfNothingElse() // [REC-11]
    {
        var set = new RecordSet(1000);
        var ends = new Dictionary<NodeId, Instant>();
        var publishers = Enumerable.Range(0, 50).Select(_ => Given.Node(_random)).ToList();
        for (var step = 0; step < 2000; step++)
        {
            var passed = TimeSpan.FromSeconds(step);
            var (now, wall) = (Given.Start + passed, Given.WallStart + passed);
            var lifetime = TimeSpan.FromSeconds(60 + _random.Next(120));
            var publisher = publishers[_random.Next(50)];
            Assert.IsType<RecordOutcome.Kept>(set.Offer(Given.Provider(publisher, sequence: step, issued: wall, timeToLive: lifetime), now, wall));
            ends[publisher] = ends.TryGetValue(publisher, out var end) && end > now + lifetime ? end : now + lifetime;
            var over = ends.Where(entry => entry.Value <= now).Select(entry => entry.Key).ToList();

            Assert.Equal(over.Count, set.Expire(now));
            over.ForEach(publisher => ends.Remove(publisher));
            Assert.Equal(ends.Count, set.Count);
        }
    }

    [Fact]
    public void TenThousandPublishersOfAKeyComeInPagesEachOnce() // [REC-13]
    {
        for (var number = 0; number < 10_000; number++)
        {
            Store(Given.Provider(Given.Node(_random)));
        }

        var seen = new List<NodeId>();
        NodeId? after = null;
        var pages = 0;
        do
        {
            var page = _store.Page(Given.ProcedureKey, after, Given.Start);
            Assert.InRange(page.Records.Length, 1, RecordsFrame.MaxRecords);
            Assert.InRange(page.Records.Sum(record => record.Record.Bytes.Length), 1, RecordsFrame.MaxPageBytes);
            seen.AddRange(page.Records.Select(record => record.Publisher));
            after = page.Next;
            pages++;
        }
        while (after is not null);

        Assert.Equal(10_000, seen.Distinct().Count());
        Assert.Equal(seen.Order(), seen);
        Assert.InRange(pages, 10, 40);
    }

    [Fact]
    public void FloodOfOnePublisherEndsAtItsLimit() // [REC-14]
    {
        var store = new RecordStore(_self, new RecordStoreOptions { MaxPerPublisher = 10 });
        for (var number = 0; number < 10; number++)
        {
            Assert.IsType<RecordOutcome.Kept>(store.Store(Given.Provider(_publisher, procedure: $"p{number}"), Given.Start, Given.WallStart));
        }

        AssertRefused(ErrorCode.LimitExceeded, store.Store(Given.Provider(_publisher, procedure: "p10"), Given.Start, Given.WallStart));
        Assert.IsType<RecordOutcome.Kept>(store.Store(Given.Provider(_publisher, sequence: 2, procedure: "p1"), Given.Start, Given.WallStart));
        Assert.IsType<RecordOutcome.Kept>(store.Store(Given.Provider(Given.Node(_random), procedure: "p10"), Given.Start, Given.WallStart));
    }

    [Fact]
    public void OwnRecordsAreHeldWhateverLimitsOthersMeet() // [REC-14]
    {
        var store = new RecordStore(_self, new RecordStoreOptions { MaxPerPublisher = 2, MaxRecords = 10 });
        for (var number = 0; number < 10; number++)
        {
            store.Store(Given.Provider(Given.Node(_random), procedure: $"p{number}"), Given.Start, Given.WallStart);
        }

        for (var number = 0; number < 10; number++)
        {
            var own = Given.Provider(_self, procedure: $"own{number}");
            Assert.IsType<RecordOutcome.Kept>(store.Store(own, Given.Start, Given.WallStart));
            Assert.Equal([own], store.Live(own.Key, Given.Start));
            Assert.Equal(10, store.Count);
        }

        AssertRefused(ErrorCode.LimitExceeded, store.Store(Given.Provider(_self, procedure: "own10"), Given.Start, Given.WallStart));
    }

    [Fact]
    public void OfTheFarthestKeyTheRecordThatEndsFirstGivesWay() // [REC-14]
    {
        var store = new RecordStore(_self, new RecordStoreOptions { MaxRecords = 3 });
        var names = Enumerable.Range(0, 300).OrderBy(number => DhtKey.OfProviders(Given.Realm, ProcedureName.Parse($"p{number}")).DistanceTo(_self)).Select(number => $"p{number}").ToList();
        var records = new[] { 20, 10, 30 }.Select(minutes => Given.Provider(Given.Node(_random), procedure: names[^1], timeToLive: TimeSpan.FromMinutes(minutes))).ToList();
        records.ForEach(record => store.Store(record, Given.Start, Given.WallStart));
        store.Store(Given.Provider(_publisher, procedure: names[0]), Given.Start, Given.WallStart);

        Assert.Equal(new[] { records[0], records[2] }.OrderBy(record => record.Publisher), store.Live(records[0].Key, Given.Start));
    }

    [Fact]
    public void FloodOfOneKeyEndsAtItsLimit() // [REC-14]
    {
        var store = new RecordStore(_self, new RecordStoreOptions { MaxPerKey = 10 });
        var outcomes = Enumerable.Range(0, 11).Select(_ => store.Store(Given.Provider(Given.Node(_random)), Given.Start, Given.WallStart)).ToList();

        AssertRefused(ErrorCode.LimitExceeded, outcomes[^1]);
        Assert.Equal(10, store.Count);
        Assert.IsType<RecordOutcome.Kept>(store.Store(Given.Provider(_publisher, procedure: "other"), Given.Start, Given.WallStart));
    }

    [Fact]
    public void FullStoreKeepsTheNearestKeysAndItsOwn() // [REC-14]
    {
        var store = new RecordStore(_self, new RecordStoreOptions { MaxRecords = 50 });
        var own = Enumerable.Range(0, 300).Select(number => Given.Provider(_self, procedure: $"own{number}")).MaxBy(record => record.Key.DistanceTo(_self))!;
        store.Store(own, Given.Start, Given.WallStart);
        var records = Enumerable.Range(0, 300).Select(number => Given.Provider(Given.Node(_random), procedure: $"p{number}")).ToList();
        foreach (var record in records)
        {
            store.Store(record, Given.Start, Given.WallStart);
            Assert.InRange(store.Count, 1, 50);
        }

        var nearest = records.Select(record => record.Key).OrderBy(key => key.DistanceTo(_self)).Take(49);
        Assert.Equal(nearest.Append(own.Key), store.Keys);
        AssertRefused(ErrorCode.LimitExceeded, store.Store(Given.Provider(_publisher, procedure: Farther(own.Key)), Given.Start, Given.WallStart));
    }

    [Fact]
    public void AnyOrderOfOffersKeepsTheNewestAndNothingThatIsOver() // [REC-10] [REC-11]
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var random = new SplitMix(seed);
            var publishers = Enumerable.Range(0, 4).Select(_ => Given.Node(random)).Append(_self).ToList();
            var store = new RecordStore(_self, new RecordStoreOptions { MaxRecords = 12 });
            var newest = new Dictionary<(DhtKey, NodeId), VerifiedRecord>();
            var (now, wall) = (Given.Start, Given.WallStart);
            for (var step = 0; step < 1000; step++)
            {
                var passed = TimeSpan.FromSeconds(random.Next(20));
                (now, wall) = (now + passed, wall + passed);
                var record = Given.Provider(
                    publishers[random.Next(5)], random.Next(20), random.Next(4) == 0 ? RecordState.Withdrawn : RecordState.Live,
                    wall + -TimeSpan.FromSeconds(random.Next(60)), TimeSpan.FromSeconds(60 + random.Next(60)), $"p{random.Next(4)}", random.Next(3));
                var place = (record.Key, record.Publisher);
                var before = store.Page(record.Key, null, now).Records.FirstOrDefault(held => held.Publisher == record.Publisher);
                var outcome = store.Store(record, now, wall);
                var after = store.Page(record.Key, null, now).Records.FirstOrDefault(held => held.Publisher == record.Publisher);

                var where = $"Seed {seed}, step {step}.";
                Assert.True(before is null || (after is not null && !before.Supersedes(after)), where);
                Assert.True(outcome is not RecordOutcome.Kept || record.Equals(after), where);
                Assert.True(outcome is not RecordOutcome.Superseded(var told) || before is null || told.Equals(before), where);
                Assert.True(store.Keys.SelectMany(key => store.Page(key, null, now).Records).All(held => held.IsTombstone || held.Body.Expires > wall), where);
                Assert.True(store.Count <= 12 && store.PollTimeout() > now, where);
                newest[place] = record;
            }

            store.HandleTimeout(now + TimeSpan.FromDays(3));
            Assert.Equal(0, store.Count);
            Assert.Empty(store.Keys);
        }
    }

    private static void AssertRefused(ErrorCode code, RecordOutcome outcome) => Assert.Equal(code, Assert.IsType<RecordOutcome.Refused>(outcome).Code);

    private string Farther(DhtKey than) =>
        Enumerable.Range(0, 100_000).Select(number => $"far{number}")
            .First(name => DhtKey.OfProviders(Given.Realm, ProcedureName.Parse(name)).DistanceTo(_self) > than.DistanceTo(_self));

    private RecordOutcome Store(VerifiedRecord record) => _store.Store(record, Given.Start, Given.WallStart);

    private ImmutableArray<VerifiedRecord> Page() => _store.Page(Given.ProcedureKey, null, Given.Start).Records;
}
