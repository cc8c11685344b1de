using System.Net;
using Macula.Protocols.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>One lookup by hand: docs/protocol/08-kademlia.md [KAD-4], [KAD-10] to [KAD-16].</summary>
public sealed class LookupTests
{
    private static readonly LookupOptions Options = new();

    private readonly SplitMix _random = new(1);
    private readonly NodeId _self;
    private readonly DhtKey _target = Given.ProcedureKey;
    private int _number;

    public LookupTests() => _self = Given.Node(_random);

    [Fact]
    public void AsksAlphaAtOnce() // [KAD-11]
    {
        var lookup = Begin(LookupGoal.Nodes, Contacts(20));

        var queries = Queries(lookup, Given.Start);

        Assert.Equal(3, queries.Count);
        Assert.Equal(queries.OrderBy(query => _target.DistanceTo(query.To.Node)), queries);
    }

    [Fact]
    public void StalledLookupWidensFromAlphaToK() // [KAD-11]
    {
        var lookup = Begin(LookupGoal.Nodes, Contacts(30));
        foreach (var query in Queries(lookup, Given.Start))
        {
            lookup.HandleNodes(query.To.Node, [], Given.Start);
        }

        Assert.Equal(17, Queries(lookup, Given.Start).Count);
    }

    [Fact]
    public void ProgressKeepsTheLookupNarrow() // [KAD-11]
    {
        var lookup = Begin(LookupGoal.Nodes, Contacts(3));
        var nearer = 4;
        foreach (var query in Queries(lookup, Given.Start))
        {
            lookup.HandleNodes(query.To.Node, [Near(nearer++), Near(1), Near(2)], Given.Start);
        }

        Assert.Equal(3, Queries(lookup, Given.Start).Count);
    }

    [Fact]
    public void SilentNodeIsPassedOverAndItsLateAnswerCounts() // [KAD-12]
    {
        var contacts = Contacts(4);
        var lookup = Begin(LookupGoal.Nodes, contacts);
        var first = Queries(lookup, Given.Start)[0].To;
        var silentAt = lookup.PollTimeout();

        lookup.HandleTimeout(silentAt);
        Assert.Single(Queries(lookup, silentAt));
        lookup.HandleNodes(first.Node, [], silentAt + Given.Seconds(0.1));
        foreach (var contact in contacts)
        {
            lookup.HandleNodes(contact.Node, [], silentAt + Given.Seconds(0.2));
        }

        Assert.Contains(first, Result(lookup, silentAt + Given.Seconds(0.2)).Closest);
    }

    [Fact]
    public void TimeoutFollowsMeasuredAnswersWithinItsBounds() // [KAD-12]
    {
        var timeouts = new QueryTimeouts();
        Assert.Equal(Given.Seconds(1.5), timeouts.Current);
        for (var answer = 0; answer < 50; answer++)
        {
            timeouts.HandleAnswer(TimeSpan.FromMilliseconds(20));
        }

        Assert.Equal(QueryTimeouts.Shortest, timeouts.Current);
        for (var answer = 0; answer < 50; answer++)
        {
            timeouts.HandleAnswer(TimeSpan.FromMilliseconds(600));
        }

        Assert.InRange(timeouts.Current, Given.Seconds(0.6), Given.Seconds(0.8));
        for (var answer = 0; answer < 50; answer++)
        {
            timeouts.HandleAnswer(TimeSpan.FromHours(1));
        }

        Assert.Equal(QueryTimeouts.Longest, timeouts.Current);
    }

    [Fact]
    public void EndsWhenTheNearestHaveAnsweredOrFailed() // [KAD-13]
    {
        var contacts = Contacts(5);
        var lookup = Begin(LookupGoal.Nodes, contacts);
        Queries(lookup, Given.Start);
        var near = contacts.OrderBy(contact => _target.DistanceTo(contact.Node)).ToList();
        lookup.HandleFailed(near[0].Node);
        foreach (var contact in near.Skip(1))
        {
            Queries(lookup, Given.Start);
            lookup.HandleNodes(contact.Node, contacts, Given.Start);
        }

        var result = Result(lookup, Given.Start);
        Assert.Equal(LookupEnd.Converged, result.End);
        Assert.Equal(near.Skip(1), result.Closest);
        Assert.False(lookup.TryPoll(Given.Start, out _));
        Assert.Equal(Instant.Never, lookup.PollTimeout());
    }

    [Fact]
    public void LookupWithoutAnybodyToAskEndsAtOnce() => // [KAD-13]
        Assert.Empty(Result(Begin(LookupGoal.Nodes, []), Given.Start).Closest);

    [Fact]
    public void SelfDuplicatesAndForbiddenAddressesAreNeverAsked() // [KAD-4] [KAD-14]
    {
        var lookup = Begin(LookupGoal.Nodes, Contacts(1));
        var asked = Queries(lookup, Given.Start)[0].To;
        var good = Contacts(1)[0];
        Contact[] named =
        [
            new(_self, [Given.Address(9)]), asked, good, good,
            new(Given.Node(_random), [NodeAddress.From(IPEndPoint.Parse("127.0.0.1:22"))]),
            new(Given.Node(_random), [NodeAddress.From(IPEndPoint.Parse("224.0.0.1:9"))]),
            new(Given.Node(_random), [NodeAddress.From(IPEndPoint.Parse("169.254.169.254:80"))]),
            new(Given.Node(_random), []),
        ];
        lookup.HandleNodes(asked.Node, named, Given.Start);

        Assert.Equal(good, Assert.Single(Queries(lookup, Given.Start)).To);
    }

    [Fact]
    public void OfTenThousandContactsInAnAnswerTwentyAreHeard() // [KAD-14]
    {
        var lookup = Begin(LookupGoal.Nodes, Contacts(1));
        lookup.HandleNodes(Queries(lookup, Given.Start)[0].To.Node, Contacts(10_000), Given.Start);

        var queries = 0;
        for (var batch = Queries(lookup, Given.Start); batch.Count > 0; batch = Queries(lookup, Given.Start))
        {
            queries += batch.Count;
            batch.ForEach(query => lookup.HandleFailed(query.To.Node));
        }

        Assert.Equal(20, queries);
    }

    [Fact]
    public void NodeNamedWithWrongAddressesIsAskedAtItsOther() // [KAD-14]
    {
        var contacts = Contacts(2);
        var lookup = Begin(LookupGoal.Nodes, contacts);
        var victim = Given.Node(_random);
        var (wrong, right) = (Given.Contact(victim, 5000), Given.Contact(victim, 6000));
        Queries(lookup, Given.Start);
        lookup.HandleNodes(contacts[0].Node, [wrong], Given.Start);
        Assert.Equal(wrong, Assert.Single(Queries(lookup, Given.Start)).To);
        lookup.HandleFailed(victim);
        lookup.HandleNodes(contacts[1].Node, [right], Given.Start);

        Assert.Equal(right, Assert.Single(Queries(lookup, Given.Start)).To);
    }

    [Fact]
    public void ValuesOfSeveralHoldersAreMergedAndTheNewestStays() // [KAD-15]
    {
        var contacts = Contacts(3);
        var lookup = Begin(LookupGoal.Records, contacts);
        Queries(lookup, Given.Start);
        var (first, second, third) = (Given.Node(_random), Given.Node(_random), Given.Node(_random));
        var newest = Given.Provider(first, sequence: 5);
        Records(lookup, contacts[0], Given.Provider(first, sequence: 4), Given.Provider(second));
        Records(lookup, contacts[1], newest, Given.Provider(second, sequence: 9, RecordState.Withdrawn));
        Records(lookup, contacts[2], Given.Provider(third), Given.Provider(first, procedure: "another.key"));

        var result = Result(lookup, Given.Start);
        Assert.Equal(LookupEnd.EnoughHolders, result.End);
        Assert.Equal(new[] { newest, Given.Provider(third) }.OrderBy(record => record.Publisher), result.Records);
        Assert.Equal(contacts.Select(contact => contact.Node).Order(), result.Holders.Order());
    }

    [Fact]
    public void ExpiredRecordIsNotFound() // [KAD-15]
    {
        var contacts = Contacts(1);
        var lookup = Begin(LookupGoal.Records, contacts);
        Queries(lookup, Given.Start);
        Records(lookup, contacts[0], Given.Provider(Given.Node(_random), issued: Given.WallStart + -TimeSpan.FromMinutes(31)));

        var result = Result(lookup, Given.Start);
        Assert.Empty(result.Records);
        Assert.Empty(result.Holders);
    }

    [Fact]
    public void FurtherPagesAreAskedForBeforeTheEnd() // [KAD-15]
    {
        var contacts = Contacts(1);
        var lookup = Begin(LookupGoal.Records, contacts);
        Queries(lookup, Given.Start);
        var publishers = Enumerable.Range(0, 3).Select(_ => Given.Node(_random)).Order().ToList();
        for (var page = 0; page < 3; page++)
        {
            NodeId? next = page < 2 ? publishers[page] : null;
            lookup.HandleRecords(contacts[0].Node, [Given.Provider(publishers[page])], next, [], Given.Start, Given.WallStart);
            if (page < 2)
            {
                Assert.Equal(publishers[page], Assert.Single(Queries(lookup, Given.Start)).After);
            }
        }

        Assert.Equal(3, Result(lookup, Given.Start).Records.Length);
    }

    [Fact]
    public void HolderWhosePagesDoNotGoOnIsNotAskedForAnother() // [KAD-15]
    {
        var contacts = Contacts(1);
        var lookup = Begin(LookupGoal.Records, contacts);
        Queries(lookup, Given.Start);
        var publisher = Given.Node(_random);
        lookup.HandleRecords(contacts[0].Node, [Given.Provider(publisher)], publisher, [], Given.Start, Given.WallStart);
        Queries(lookup, Given.Start);
        lookup.HandleRecords(contacts[0].Node, [Given.Provider(publisher)], publisher, [], Given.Start, Given.WallStart);

        Assert.Single(Result(lookup, Given.Start).Records);
    }

    [Fact]
    public void HolderWhoseRecordsAreBeingVerifiedIsNotSilent() // [KAD-12]
    {
        var contacts = Contacts(1);
        var lookup = Begin(LookupGoal.Records, contacts);
        Queries(lookup, Given.Start);
        lookup.HandleReceived(contacts[0].Node, Given.Start);
        var late = Given.Start + Options.VerificationTimeout - TimeSpan.FromTicks(1);

        lookup.HandleTimeout(late);
        Assert.False(lookup.TryPoll(late, out _));
        Records(lookup, contacts[0], Given.Provider(_self));
        Assert.Single(Result(lookup, late).Records);
    }

    [Fact]
    public void HolderWhoseRecordsCannotBeVerifiedDoesNotHoldUpALookup() // [KAD-12]
    {
        var contacts = Contacts(2);
        var lookup = Begin(LookupGoal.Records, contacts);
        Queries(lookup, Given.Start);
        lookup.HandleReceived(contacts[0].Node, Given.Start);
        Records(lookup, contacts[1], Given.Provider(_self));
        var late = Given.Start + Options.VerificationTimeout;
        lookup.HandleReceived(contacts[0].Node, late - TimeSpan.FromTicks(1));

        Assert.Equal(late, lookup.PollTimeout());
        lookup.HandleTimeout(late);
        Assert.Single(Result(lookup, late).Records);
    }

    [Fact]
    public void VerificationIsNotAnsweringTime() // [KAD-12]
    {
        var contacts = Contacts(1);
        var timeouts = new QueryTimeouts();
        var lookup = new Lookup(LookupGoal.Records, _target, _self, contacts, timeouts, Options, Given.Start);
        Queries(lookup, Given.Start);
        lookup.HandleReceived(contacts[0].Node, Given.Start + TimeSpan.FromMilliseconds(100));
        lookup.HandleRecords(contacts[0].Node, [], null, [], Given.Start + Given.Seconds(2), Given.WallStart);

        // RFC 6298 §2.2: the first answer, and four times half of it.
        Assert.Equal(TimeSpan.FromMilliseconds(300), timeouts.Current);
    }

    [Fact]
    public void HolderWithFurtherPagesDoesNotHoldUpALookupThatHasEnough() // [KAD-15]
    {
        var contacts = Contacts(4);
        var lookup = Begin(LookupGoal.Records, contacts);
        var asked = Queries(lookup, Given.Start).Select(query => query.To).ToList();
        var publisher = Given.Node(_random);
        lookup.HandleRecords(asked[0].Node, [Given.Provider(publisher)], publisher, [], Given.Start, Given.WallStart);
        asked.AddRange(Queries(lookup, Given.Start).Select(query => query.To).Where(contact => contact.Node != asked[0].Node));
        Records(lookup, asked[1], Given.Provider(publisher));
        Records(lookup, asked[2], Given.Provider(publisher));
        asked.AddRange(Queries(lookup, Given.Start).Select(query => query.To).Where(contact => contact.Node != asked[0].Node));
        Assert.Equal(4, asked.Count);
        Records(lookup, asked[3], Given.Provider(publisher));

        Assert.Equal(LookupEnd.EnoughHolders, Result(lookup, Given.Start).End);
    }

    private Lookup Begin(LookupGoal goal, IEnumerable<Contact> known) => new(goal, _target, _self, known, new QueryTimeouts(), Options, Given.Start);

    private Contact[] Contacts(int count) => [.. Enumerable.Range(0, count).Select(_ => Given.Contact(Given.Node(_random), ++_number))];

    private Contact Near(int sharedBytes)
    {
        Span<byte> bytes = stackalloc byte[NodeId.ByteCount];
        _random.Fill(bytes);
        Span<byte> target = stackalloc byte[DhtKey.ByteCount];
        _target.CopyTo(target);
        target[..sharedBytes].CopyTo(bytes);
        return Given.Contact(NodeId.Read(bytes), ++_number);
    }

    private static List<LookupOutput.Query> Queries(Lookup lookup, Instant now)
    {
        var queries = new List<LookupOutput.Query>();
        while (lookup.PollTimeout() != Instant.Never && lookup.TryPoll(now, out var output))
        {
            if (output is not LookupOutput.Query query)
            {
                break;
            }

            queries.Add(query);
        }

        return queries;
    }

    private static LookupResult Result(Lookup lookup, Instant now)
    {
        Assert.True(lookup.TryPoll(now, out var output));
        return Assert.IsType<LookupOutput.Finished>(output).Result;
    }

    private static void Records(Lookup lookup, Contact from, params VerifiedRecord[] records) =>
        lookup.HandleRecords(from.Node, records, null, [], Given.Start, Given.WallStart);
}
