using Macula.Protocols.PubSub;
using Macula.PubSub;
using Macula.Testing.Network;
using Macula.Tests.Dht;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.PubSub;

/// <summary>Readers and subscribers that are too slow, in virtual time: [PUB-14].</summary>
public sealed class SlowReaderTests
{
    private const int ReaderFallsBehind = 1303;
    private const int ReaderCaughtUp = 1304;
    private const int SubscriberFallsBehind = 1305;
    private const int Overflowed = 1309;

    [Theory]
    [InlineData(OverflowPolicy.DropOldest, new[] { 7, 8, 9, 10 }, 6)]
    [InlineData(OverflowPolicy.DropNewest, new[] { 1, 2, 3, 4 }, 6)]
    [InlineData(OverflowPolicy.LatestOnly, new[] { 9, 10 }, 8)]
    public void AFullQueueKeepsWhatItsPolicySays(OverflowPolicy policy, int[] kept, int dropped) => Run(async (mesh, alice, bob) => // [PUB-14]
    {
        await using var subscription = await bob.SubscribeAsync("a.*", new SubscribeOptions { MaxQueuedEvents = 4, Overflow = policy });
        await using var witness = await bob.SubscribeAsync("a.*");
        for (var number = 1; number <= 10; number++)
        {
            await alice.PublishAsync(number % 2 == 0 ? "a.even" : "a.odd", number);
            await SimulatedPubSubTests.NextAsync(witness);
        }

        Assert.Equal(kept, await TakeAsync(subscription, kept.Length));
        Assert.Equal(dropped, subscription.DroppedEvents);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == ReaderFallsBehind);
        Assert.Contains($"it lost {dropped} events", Assert.Single(mesh.Log.Lines, line => line.Event.Id == ReaderCaughtUp).Message, StringComparison.Ordinal);
        Assert.Equal(0, witness.DroppedEvents);
    });

    [Fact]
    public void AReaderThatMustKeepUpIsPartedFromItsSubscription() => Run(async (mesh, alice, bob) => // [PUB-14]
    {
        var subscription = await bob.SubscribeAsync("a", new SubscribeOptions { MaxQueuedEvents = 2, Overflow = OverflowPolicy.Disconnect });
        await using var witness = await bob.SubscribeAsync("a");
        for (var number = 1; number <= 10; number++)
        {
            await alice.PublishAsync("a", number);
            await SimulatedPubSubTests.NextAsync(witness);
        }

        Assert.Equal([1, 2], await TakeAsync(subscription, 2));
        var failure = await Assert.ThrowsAsync<MaculaException>(() => SimulatedPubSubTests.NextAsync(subscription));
        Assert.Equal(ErrorCode.LimitExceeded, failure.Code);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == Overflowed);

        // The other one stands for the same pattern; when it has gone too, nobody subscribes, since the first one left by itself.
        await witness.DisposeAsync();
        await mesh.UntilAsync(async () => (await alice.PublishAsync("a", 0)).Subscribers == 0);
    });

    [Fact]
    public void ASubscriberThatTakesNothingCostsOthersNothing() => Run(async (mesh, alice, bob) => // [PUB-14] [PUB-6]
    {
        const int Events = 5000;
        var carol = await mesh.StartAsync(mesh.Realm!, "carol", DhtMember.Client(bob));
        var host = mesh.LastHost;
        await using var gone = await carol.SubscribeAsync("a");
        await using var subscription = await bob.SubscribeAsync("a", new SubscribeOptions { MaxQueuedEvents = Events });
        Assert.Equal(2, (await alice.PublishAsync("a", 0)).Subscribers);
        await SimulatedPubSubTests.NextAsync(subscription);

        // Nothing gets through to it, and its connection has not ended yet: what is published waits, and then gives way.
        mesh.Network.Partition([host], [.. mesh.Network.Hosts.Where(other => other != host)]);
        var payload = new Payload(ContentType.Raw, new byte[1000]);
        for (var number = 1; number <= Events; number++)
        {
            Assert.Equal(2, (await alice.PublishAsync("a", payload)).Subscribers);
            if (number % 100 == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), mesh.Time);
            }
        }

        for (var number = 1; number <= Events; number++)
        {
            await SimulatedPubSubTests.NextAsync(subscription);
        }

        Assert.Equal(0, subscription.DroppedEvents);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == SubscriberFallsBehind);
        mesh.Network.Heal();
    });

    private static async Task<List<int>> TakeAsync(Subscription subscription, int count)
    {
        var taken = new List<int>();
        while (taken.Count < count)
        {
            taken.Add((await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());
        }

        return taken;
    }

    private static void Run(Func<SimulatedMesh, MaculaPeer, MaculaPeer, Task> body) => SimulatedRun.Run(1, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server(bob));
        await body(mesh, alice, bob);
    }, new Link { Jitter = TimeSpan.Zero });
}
