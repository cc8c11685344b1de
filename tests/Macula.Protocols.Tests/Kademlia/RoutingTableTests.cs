using Macula.Protocols.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/08-kademlia.md [KAD-2] to [KAD-9].</summary>
public sealed class RoutingTableTests
{
    private static readonly RoutingTableOptions Options = new();

    private readonly SplitMix _random = new(1);
    private readonly NodeId _self;
    private readonly RoutingTable _table;
    private int _number;

    public RoutingTableTests()
    {
        _self = Given.Node(_random);
        _table = new RoutingTable(_self, Options);
    }

    [Fact]
    public void NodeThatWasNamedEntersOnlyAfterItsAnswer() // [KAD-3]
    {
        var named = Far();
        _table.HandleHeard(named, Given.Start);

        Assert.Equal(0, _table.Count);
        Assert.Equal(new RoutingOutput.Ping(named), Assert.Single(Poll()));
        _table.HandleAlive(named, Given.Start);
        Assert.Equal(named, Assert.Single(_table.Contacts));
    }

    [Fact]
    public void NodeThatDoesNotAnswerNeverEnters() // [KAD-3]
    {
        _table.HandleHeard(Far(), Given.Start);
        _table.HandleTimeout(Given.Start + Options.PingTimeout, _random);

        Assert.Equal(0, _table.Count);
        Assert.Equal(Instant.Never, _table.PollTimeout());
    }

    [Fact]
    public void SelfNeverEnters() // [KAD-2]
    {
        _table.HandleHeard(Given.Contact(_self), Given.Start);
        _table.HandleAlive(Given.Contact(_self), Given.Start);

        Assert.Empty(Poll());
        Assert.Equal(0, _table.Count);
        Assert.Null(_table.BucketOf(_self));
    }

    [Fact]
    public void NodeAtAForbiddenAddressNeverEnters() // [KAD-4]
    {
        var loopback = new Contact(Given.Node(_random), [NodeAddress.From(new(System.Net.IPAddress.Loopback, 9443))]);
        _table.HandleHeard(loopback, Given.Start);
        _table.HandleAlive(loopback, Given.Start);

        Assert.Empty(Poll());
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void FullBucketKeepsItsNodesAndPingsTheOneSilentLongest() // [KAD-5] [KAD-6]
    {
        var nodes = Fill();
        var later = Given.Start + TimeSpan.FromMinutes(1);
        _table.HandleSeen(nodes[0].Node, later);
        _table.HandleAlive(Far(), later);

        Assert.Equal(20, _table.Count);
        Assert.Equal(new RoutingOutput.Ping(nodes[1]), Assert.Single(Poll()));
        _table.HandleAlive(nodes[1], later);
        Assert.Contains(nodes[1], _table.Contacts);
        Assert.Equal(nodes[1], _table.Contacts.Last());
    }

    [Fact]
    public void NodeThatFailsThePingGivesItsPlaceToTheOneThatWaits() // [KAD-6]
    {
        var nodes = Fill();
        var later = Given.Start + TimeSpan.FromMinutes(1);
        var waiting = Far();
        _table.HandleAlive(waiting, later);
        Poll();
        _table.HandleFailed(nodes[0], later);

        Assert.DoesNotContain(nodes[0], _table.Contacts);
        Assert.Equal(new RoutingOutput.Ping(waiting), Assert.Single(Poll()));
        _table.HandleAlive(waiting, later);
        Assert.Equal(20, _table.Count);
        Assert.Contains(waiting, _table.Contacts);
    }

    [Fact]
    public void FreshBucketIsNotPingedForNewcomers() // [KAD-6]
    {
        Fill();
        _table.HandleAlive(Far(), Given.Start + Given.Seconds(29));

        Assert.Empty(Poll());
    }

    [Fact]
    public void NodeLeavesAfterThreeFailuresInARow() // [KAD-7]
    {
        var node = Far();
        _table.HandleAlive(node, Given.Start);
        _table.HandleFailed(node, Given.Start);
        _table.HandleFailed(node, Given.Start);
        _table.HandleSeen(node.Node, Given.Start);
        _table.HandleFailed(node, Given.Start);
        _table.HandleFailed(node, Given.Start);
        Assert.Equal(1, _table.Count);

        _table.HandleFailed(node, Given.Start);
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void FailureAtAddressesThatALiarNamedCostsTheNodeNothing() // [KAD-7]
    {
        var node = Far();
        _table.HandleAlive(node, Given.Start);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            _table.HandleFailed(Given.Contact(node.Node, 7777), Given.Start);
        }

        Assert.Equal(node, Assert.Single(_table.Contacts));
    }

    [Fact]
    public void NodeThatTurnsToClientModeLeavesAtOnce() // [KAD-1]
    {
        var node = Far();
        _table.HandleAlive(node, Given.Start);
        _table.Remove(node.Node, Given.Start);

        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void StaleBucketIsRefreshedInItsOwnRange() // [KAD-8]
    {
        _table.HandleAlive(Given.Contact(Given.NodeAt(_self, 3, _random)), Given.Start);
        var stale = Given.Start + Options.RefreshInterval;
        _table.HandleLookup(DhtKey.PlaceOf(Given.NodeAt(_self, 3, _random)), stale - TimeSpan.FromMinutes(1));
        _table.HandleTimeout(stale, _random);

        var refreshed = Poll().Cast<RoutingOutput.Refresh>().Select(refresh => refresh.Target.DistanceTo(_self).SharedPrefixBits);
        Assert.Equal([0, 1, 2], refreshed);
        Assert.Equal(stale - TimeSpan.FromMinutes(1) + Options.RefreshInterval, _table.PollTimeout());
    }

    [Fact]
    public void RefreshOfAllBucketsReachesTheNearestThatIsNotEmpty() // [KAD-8]
    {
        _table.HandleAlive(Given.Contact(Given.NodeAt(_self, 12, _random)), Given.Start);
        _table.RefreshAll(Given.Start, _random);

        Assert.Equal(Enumerable.Range(0, 13), Poll().Cast<RoutingOutput.Refresh>().Select(refresh => refresh.Target.DistanceTo(_self).SharedPrefixBits));
    }

    [Fact]
    public void ClosestIsWhatSortingEverythingGives() // [KAD-9]
    {
        for (var number = 0; number < 400; number++)
        {
            _table.HandleAlive(Given.Contact(Given.NodeAt(_self, _random.Next(40), _random), number), Given.Start);
        }

        var all = _table.Contacts.ToList();
        for (var round = 0; round < 500; round++)
        {
            var target = DhtKey.PlaceOf(round % 2 == 0 ? Given.Node(_random) : Given.NodeAt(_self, _random.Next(50), _random));
            var count = _random.Next(30);
            Assert.Equal(all.OrderBy(contact => target.DistanceTo(contact.Node)).Take(count), _table.Closest(target, count));
        }

        Assert.Equal(all.OrderBy(contact => _self.DistanceTo(contact.Node)).Take(20), _table.Closest(DhtKey.PlaceOf(_self), 20));
    }

    [Fact]
    public void TenThousandNamedNodesCostAsManyPingsAsMayBeUnderWay() // [KAD-3]
    {
        for (var number = 0; number < 10_000; number++)
        {
            _table.HandleHeard(Given.Contact(Given.Node(_random), number), Given.Start);
        }

        Assert.Equal(Options.MaxPings, Poll().Count);
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void AnyOrderOfEventsKeepsTheInvariants() // [KAD-2] [KAD-5]
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var random = new SplitMix(seed);
            var self = Given.Node(random);
            var table = new RoutingTable(self, Options);
            var nodes = Enumerable.Range(0, 200).Select(number => Given.Contact(number == 0 ? self : Given.NodeAt(self, random.Next(8), random), number)).ToList();
            var answered = new HashSet<NodeId>();
            var now = Given.Start;
            for (var step = 0; step < 2000; step++)
            {
                now += TimeSpan.FromMilliseconds(random.Next(20_000));
                var contact = nodes[random.Next(nodes.Count)];
                Step(table, contact, answered, now, random);
                AssertInvariants(table, self, answered, $"Seed {seed}, step {step}.");
            }
        }
    }

    [Fact]
    public void NodesNamedWhileAllPingsWereUnderWayArePingedWhenOneEnds() // [KAD-3]
    {
        var first = Enumerable.Range(0, Options.MaxPings).Select(number => Given.Contact(Given.NodeAt(_self, number % 2, _random), number + 1)).ToList();
        var waiting = Enumerable.Range(0, 8).Select(number => Given.Contact(Given.NodeAt(_self, 30, _random), number + 100)).ToList();
        foreach (var contact in first.Concat(waiting))
        {
            _table.HandleHeard(contact, Given.Start);
        }

        Assert.Equal(Options.MaxPings, Poll().Count);
        foreach (var contact in first.Take(waiting.Count))
        {
            _table.HandleFailed(contact, Given.Start);
        }

        Assert.Equal(waiting.Select(contact => contact.Node).Order(), Poll().Cast<RoutingOutput.Ping>().Select(ping => ping.Contact.Node).Order());
    }

    private static void Step(RoutingTable table, Contact contact, HashSet<NodeId> answered, Instant now, SplitMix random)
    {
        switch (random.Next(7))
        {
            case 0 or 1:
                answered.Add(contact.Node);
                table.HandleAlive(contact, now);
                break;
            case 2:
                table.HandleHeard(contact, now);
                break;
            case 3:
                table.HandleFailed(contact, now);
                break;
            case 4:
                table.HandleSeen(contact.Node, now);
                break;
            case 5:
                table.Remove(contact.Node, now);
                Assert.DoesNotContain(contact, table.Contacts);
                break;
            default:
                table.HandleTimeout(now, random);
                Assert.True(table.PollTimeout() > now);
                break;
        }

        while (table.TryPoll(out _))
        {
        }
    }

    private static void AssertInvariants(RoutingTable table, NodeId self, HashSet<NodeId> answered, string where)
    {
        var contacts = table.Contacts.Select(contact => contact.Node).ToList();
        Assert.True(contacts.Distinct().Count() == contacts.Count, where);
        Assert.False(contacts.Contains(self), where);
        Assert.True(contacts.TrueForAll(answered.Contains), where);
        Assert.True(contacts.GroupBy(node => table.BucketOf(node)!.Value).All(bucket => bucket.Count() <= KademliaConstants.BucketSize), where);
        Assert.True(contacts.Select(node => table.BucketOf(node)!.Value).SequenceEqual(contacts.Select(node => self.DistanceTo(node).SharedPrefixBits).Order()), where);
    }

    private Contact Far() => Given.Contact(Given.NodeAt(_self, 0, _random), ++_number);

    private List<Contact> Fill()
    {
        var nodes = Enumerable.Range(0, KademliaConstants.BucketSize).Select(_ => Far()).ToList();
        nodes.ForEach(node => _table.HandleAlive(node, Given.Start));
        return nodes;
    }

    private List<RoutingOutput> Poll()
    {
        var outputs = new List<RoutingOutput>();
        while (_table.TryPoll(out var output))
        {
            outputs.Add(output);
        }

        return outputs;
    }
}
