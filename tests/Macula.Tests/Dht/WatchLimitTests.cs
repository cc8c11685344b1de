using Macula.PubSub;
using Macula.Rpc;
using Macula.Tests.Meshes;
using Macula.Tests.PubSub;
using Macula.Wire.Errors;

namespace Macula.Tests.Dht;

/// <summary>A node that may watch no more keys than one topic of sixteen segments needs, in virtual time: [PUB-2], [RPC-17].</summary>
public sealed class WatchLimitTests
{
    private const int FewestWatches = 17;
    private const int SubscriberNotReached = 1307;
    private const int SubscriberGivenUp = 1312;

    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void TheProcedureThatWasCalledLongestAgoIsLookedUpAnew() => Run(async (mesh, boot, bob, alice) => // [RPC-17]
    {
        for (var number = 0; number <= FewestWatches; number++)
        {
            await ProvideAsync(bob, $"p.{number}");
            await alice.CallAsync($"p.{number}", number);
        }

        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        var second = await mesh.StartAsync(mesh.Realm!, "second", DhtMember.Client(boot));
        await ProvideAsync(second, "p.0");
        await second.WaitUntilJoinedAsync();

        Assert.Equal(0, await LookupsAsync(mesh, () => alice.CallAsync($"p.{FewestWatches}", 1)));
        Assert.Equal(0, await LookupsAsync(mesh, () => alice.CallAsync("p.1", 1)));
        Assert.NotEqual(0, await LookupsAsync(mesh, () => alice.CallAsync("p.0", 1)));

        // What it learns then is what stands there now.
        Assert.Equal(2, (await ProvidersAsync(alice, "p.0")).Count);
    });

    [Fact]
    public void ACallAsksEachTimeWhereATopicHoldsEveryWatch() => Run(async (mesh, boot, bob, alice) => // [RPC-17]
    {
        await using var subscription = await bob.SubscribeAsync(Deep("a"));
        Assert.Equal(1, (await alice.PublishAsync(Deep("a"), 1)).Subscribers);
        Assert.Equal(1, (await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());
        await ProvideAsync(bob, "echo");
        var second = await mesh.StartAsync(mesh.Realm!, "second", DhtMember.Client(boot));
        await ProvideAsync(second, "echo");

        Assert.NotEqual(0, await LookupsAsync(mesh, () => alice.CallAsync("echo", 1)));
        Assert.NotEqual(0, await LookupsAsync(mesh, () => alice.CallAsync("echo", 2)));
        Assert.Equal(2, (await ProvidersAsync(alice, "echo")).Count);

        // The topic is known as before.
        Assert.Equal(0, await LookupsAsync(mesh, () => alice.PublishAsync(Deep("a"), 2)));
        Assert.Equal(2, (await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());
    });

    [Fact]
    public void TopicsThatGiveWayToEachOtherLoseNoEvent() => Run(async (mesh, boot, bob, alice) => // [PUB-2] [PUB-16]
    {
        await using var subscription = await bob.SubscribeAsync("**");
        var receipts = new List<PublishReceipt>();
        for (var round = 0; round < 10; round++)
        {
            // The event of one topic still waits for bob to be dialled, or for the lane, when the other takes the watches.
            receipts.Add(await alice.PublishAsync(Deep(round % 2 == 0 ? "a" : "b"), round));
        }

        Assert.All(receipts, receipt => Assert.Equal(1, receipt.Subscribers));
        var arrived = new HashSet<long>();
        foreach (var _ in receipts)
        {
            Assert.True(arrived.Add((await SimulatedPubSubTests.NextAsync(subscription)).Id.Sequence));
        }
    });

    [Fact]
    public void AConnectionOnWhichALaneGotNoAnswerDrains() => Run(async (mesh, _, bob, alice) => // [PUB-12] [CON-7]
    {
        await using var subscription = await bob.SubscribeAsync(Deep("a"));
        await alice.PublishAsync(Deep("a"), 1);
        await SimulatedPubSubTests.NextAsync(subscription);
        await Task.Delay(TimeSpan.FromMinutes(3), mesh.Time);
        var (alices, bobs) = (alice.TransportCounters.ConnectionsOpen, bob.TransportCounters.ConnectionsOpen);

        // The topic gives way, and its lane ends while the two do not reach each other, for less than their connection lasts.
        mesh.Network.Partition([mesh.Network.Hosts[1]], [mesh.Network.Hosts[2]]);
        await alice.PublishAsync(Deep("b"), 2);
        await Task.Delay(TimeSpan.FromSeconds(6), mesh.Time);
        mesh.Network.Heal();
        await alice.PublishAsync(Deep("a"), 3);

        Assert.Equal(3, (await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());
        await Task.Delay(TimeSpan.FromMinutes(3), mesh.Time);
        Assert.Equal((alices, bobs), (alice.TransportCounters.ConnectionsOpen, bob.TransportCounters.ConnectionsOpen));
    });

    [Fact]
    public void ASubscriberWhoseTopicsGaveWayIsDialledNoLongerThanHalfAMinute() => Run(async (mesh, _, bob, alice) => // [PUB-16]
    {
        var subscription = await bob.SubscribeAsync(Deep("a"));
        await alice.PublishAsync(Deep("a"), 1);
        await SimulatedPubSubTests.NextAsync(subscription);
        mesh.Network.Hosts[1].Crash();
        mesh.Abandon(bob);
        await Task.Delay(TimeSpan.FromMinutes(1), mesh.Time);

        // Bob still stands in the DHT, so these wait for him; then nobody watches whether he does.
        await alice.PublishAsync(Deep("a"), 2);
        Assert.Equal(1, (await alice.PublishAsync(Deep("a"), 3)).Subscribers);
        Assert.Equal(0, (await alice.PublishAsync(Deep("b"), 4)).Subscribers);
        await Task.Delay(TimeSpan.FromSeconds(29), mesh.Time);
        Assert.DoesNotContain(mesh.Log.Lines, line => line.Event.Id == SubscriberGivenUp);
        await Task.Delay(TimeSpan.FromSeconds(16), mesh.Time);
        Assert.Contains("2 events of", Assert.Single(mesh.Log.Lines, line => line.Event.Id == SubscriberGivenUp).Message, StringComparison.Ordinal);

        var dials = Dials();
        Assert.NotEqual(0, dials);
        await Task.Delay(TimeSpan.FromMinutes(10), mesh.Time);
        Assert.Equal(dials, Dials());

        int Dials() => mesh.Log.Lines.Count(line => line.Event.Id == SubscriberNotReached);
    });

    [Fact]
    public void LeavingATopicLosesNothingOfAnotherThatGaveWay() => Run(async (mesh, boot, bob, alice) => // [PUB-16]
    {
        await using var kept = await bob.SubscribeAsync("kept");
        var left = await bob.SubscribeAsync("left");
        await alice.PublishAsync("kept", 1);
        await alice.PublishAsync("left", 2);
        await SimulatedPubSubTests.NextAsync(kept);
        await SimulatedPubSubTests.NextAsync(left);

        // The two do not reach each other, but the holder; their connection ends.
        mesh.Network.Partition([mesh.Network.Hosts[1]], [mesh.Network.Hosts[2]]);
        await Task.Delay(TimeSpan.FromMinutes(1), mesh.Time);
        await alice.PublishAsync("kept", 3);
        await alice.PublishAsync("left", 4);

        // 18 keys with the root key: only the topic that was used longest ago gives way.
        Assert.Equal(0, (await alice.PublishAsync(string.Join('.', Enumerable.Range(1, 15).Select(number => $"s{number}")), 5)).Subscribers);
        await left.DisposeAsync();
        await mesh.UntilAsync(async () => (await alice.PublishAsync("left", 6)).Subscribers == 0);
        mesh.Network.Heal();

        Assert.Equal(3, (await SimulatedPubSubTests.NextAsync(kept)).Value.AsInt32());
    });

    [Fact]
    public void AnEventThatWaitsForATopicWhichGivesWayFailsWithTheLimit() => Run(async (_, _, _, alice) => // [PUB-2]
    {
        await alice.WaitUntilJoinedAsync();
        var first = Assert.ThrowsAsync<MaculaException>(() => alice.PublishAsync(Deep("a"), 1).AsTask());
        var second = alice.PublishAsync(Deep("b"), 2).AsTask();

        Assert.Equal(ErrorCode.LimitExceeded, (await first).Code);
        Assert.Equal(1, (await second).Id.Sequence);
        Assert.Equal(2, (await alice.PublishAsync(Deep("a"), 3)).Id.Sequence);
    });

    // Sixteen segments: with the realm's root key as many keys as the node may watch.
    private static string Deep(string first) => string.Join('.', Enumerable.Range(1, 15).Select(number => $"s{number}").Prepend(first));

    private static async Task ProvideAsync(MaculaPeer provider, string procedure) => await (await provider.AdvertiseAsync(procedure, Echo)).WaitUntilPublishedAsync();

    private static async Task<HashSet<Wire.Identifiers.NodeId>> ProvidersAsync(MaculaPeer caller, string procedure)
    {
        var providers = new HashSet<Wire.Identifiers.NodeId>();
        for (var call = 0; call < 4; call++)
        {
            providers.Add((await caller.CallAsync(procedure, 7)).Provider.NodeId);
        }

        return providers;
    }

    private static async Task<int> LookupsAsync<T>(SimulatedMesh mesh, Func<ValueTask<T>> act)
    {
        var before = Count();
        await act();
        return Count() - before;

        int Count() => mesh.Log.Lines.Count(line => line.Event.Id == 1202);
    }

    private static void Run(Func<SimulatedMesh, MaculaPeer, MaculaPeer, MaculaPeer, Task> body) => SimulatedRun.Run(1, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot).With(dht => dht with { MaxWatchedKeys = FewestWatches }));
        await body(mesh, boot, bob, alice);
    });
}
