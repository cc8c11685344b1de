using Macula.Protocols.Kademlia;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>Many nodes over the cores alone: docs/protocol/08-kademlia.md [KAD-10], [KAD-21].</summary>
public sealed class OverlayTests
{
    private const int NodeCount = 200;

    [Fact]
    public void SparseOverlayFindsTheRecordFromThreeNodesThatDoNotHoldIt() // [KAD-10]
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var (network, caller) = Sparse(seed);
            LookupResult? found = null;
            caller.LookUp(LookupGoal.Records, Given.ProcedureKey, result => found = result);
            network.Run(Given.Seconds(30));

            Assert.True(found is { Records.Length: 1 }, $"Seed {seed}: {found}.");
            Assert.True(found.Rounds >= 2, $"Seed {seed}: the walk had {found.Rounds} rounds, so nothing was walked.");
        }
    }

    [Fact]
    public void OneHopDoesNotFindTheRecordInASparseOverlay()
    {
        // What makes the claim above mean something: asking those who are known is not enough.
        var foundCount = 0;
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var (network, caller) = Sparse(seed);
            caller.LookUp(LookupGoal.Records, Given.ProcedureKey, result => foundCount += result.Records.Length, new LookupOptions { MaxQueries = 3 });
            network.Run(Given.Seconds(30));
        }

        Assert.InRange(foundCount, 0, 2);
    }

    [Fact]
    public void JoinerWhoseFirstPacketsAreLostGetsIn() // [KAD-20] [KAD-21]
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var network = new VirtualDht(seed);
            var bootstrap = network.AddNode();
            var joiner = network.AddNode();
            var lost = 0;
            network.IsLost = from => from == joiner && ++lost <= 4;

            joiner.BeginJoin(bootstrap.Contact);
            network.Run(Given.Seconds(60));

            Assert.True(joiner.IsJoined, $"Seed {seed}.");
            Assert.Contains(bootstrap.Contact, joiner.Table.Contacts);
            Assert.Contains(joiner.Contact, bootstrap.Table.Contacts);
        }
    }

    [Fact]
    public void NodesThatJoinThroughOneBootstrapFindEveryRecordUnderLoss() // [KAD-10] [KAD-22]
    {
        const ulong seed = 7;
        var network = Joined(seed, loss: 0.01);

        var (asked, found) = (0, 0);
        for (var number = 0; number < 50; number++)
        {
            var provider = network.Nodes[1 + network.Random.Next(NodeCount - 1)];
            var caller = network.Nodes[1 + network.Random.Next(NodeCount - 1)];
            var record = Given.Provider(provider.Contact.Node, issued: network.WallNow, procedure: $"p{number}");
            provider.Publish(record, stored =>
            {
                Assert.InRange(stored, 15, 20);
                asked++;
                caller.LookUp(LookupGoal.Records, record.Key, result => found += result.Records.Contains(record) ? 1 : 0);
            });
        }

        network.Run(Given.Seconds(120));
        Assert.Equal((50, 50), (asked, found));
    }

    [Fact]
    public void LookupConvergesOnTheNodesThatAreNearest() // [KAD-13]
    {
        var network = Joined(seed: 11, loss: 0);
        var target = DhtKey.OfNode(Given.Realm, network.Nodes[5].Contact.Node);
        LookupResult? found = null;
        network.Nodes[17].LookUp(LookupGoal.Nodes, target, result => found = result);
        network.Run(Given.Seconds(30));

        var nearest = network.Nodes.Where(node => node != network.Nodes[17]).OrderBy(node => target.DistanceTo(node.Contact.Node)).Take(20).Select(node => node.Contact.Node);
        Assert.Equal(nearest, found!.Closest.Select(contact => contact.Node));
        Assert.Equal(LookupEnd.Converged, found.End);
    }

    [Fact]
    public void ClientsAndTheDeadAreInNobodysTable() // [KAD-1] [KAD-3]
    {
        var network = Joined(seed: 3, loss: 0, clients: 20);
        var clients = network.Nodes.Where(node => !node.IsServer).Select(node => node.Contact.Node).ToHashSet();

        Assert.Equal(20, clients.Count);
        Assert.All(network.Nodes, node => Assert.DoesNotContain(node.Table.Contacts, contact => clients.Contains(contact.Node)));
        Assert.All(network.Nodes, node => Assert.True(node.IsJoined || node == network.Nodes[0]));
    }

    private static VirtualDht Joined(ulong seed, double loss, int clients = 0)
    {
        var network = new VirtualDht(seed);
        network.IsLost = _ => network.Random.NextDouble() < loss;
        var bootstrap = network.AddNode();
        for (var number = 1; number < NodeCount; number++)
        {
            var node = network.AddNode();
            node.IsServer = number >= NodeCount - clients ? false : true;
            network.At(Given.Seconds(0.1 * number), () => node.BeginJoin(bootstrap.Contact));
        }

        network.Run(Given.Seconds(120));
        return network;
    }

    // Everybody knows four nodes near itself and four anywhere; the caller, in client mode, knows three anywhere.
    private static (VirtualDht Network, VirtualNode Caller) Sparse(ulong seed)
    {
        var network = new VirtualDht(seed);
        for (var number = 0; number < NodeCount; number++)
        {
            network.AddNode();
        }

        foreach (var node in network.Nodes)
        {
            var near = network.Nodes.Where(other => other != node).OrderBy(other => node.Contact.Node.DistanceTo(other.Contact.Node)).Take(4);
            var far = Enumerable.Range(0, 4).Select(_ => network.Nodes[network.Random.Next(NodeCount)]).Where(other => other != node);
            foreach (var other in near.Concat(far))
            {
                node.Table.HandleAlive(other.Contact, network.Now);
            }
        }

        network.Nodes[0].Publish(Given.Provider(network.Nodes[0].Contact.Node), stored => Assert.True(stored >= 10, $"Seed {seed}: {stored} hold it."));
        network.Run(Given.Seconds(30));

        var caller = network.AddNode();
        caller.IsServer = false;
        foreach (var known in network.Nodes.Take(NodeCount).Where(node => node.Store.Count == 0).OrderByDescending(node => Given.ProcedureKey.DistanceTo(node.Contact.Node)).Take(3))
        {
            caller.Table.HandleAlive(known.Contact, network.Now);
        }

        Assert.Equal(3, caller.Table.Count);
        return (network, caller);
    }
}
