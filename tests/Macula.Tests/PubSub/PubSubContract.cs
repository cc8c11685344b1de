using System.Collections.Immutable;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.PubSub;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Tests.PubSub;

/// <summary>What publishing and subscribing promise, on every transport: docs/protocol/10-pubsub.md.</summary>
public abstract class PubSubContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    [Fact]
    public void AnEventReachesWhoSubscribesToItsTopicOrAPatternOfIt() => Run(async (mesh, boot, realm) => // [PUB-4] [PUB-13]
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await using var exact = await bob.SubscribeAsync("sensor.load");
        await using var one = await bob.SubscribeAsync("sensor.*");
        await using var any = await bob.SubscribeAsync("**");
        await using var other = await bob.SubscribeAsync("sensor.memory");

        var receipt = await alice.PublishAsync("sensor.load", 0.5);

        Assert.Equal(1, receipt.Subscribers);
        foreach (var subscription in new[] { exact, one, any })
        {
            var arrived = await NextAsync(subscription);
            Assert.Equal(("sensor.load", 0.5, alice.Self.NodeId, receipt.Id), (arrived.Topic.Value, arrived.Value.AsDouble(), arrived.Publisher.NodeId, arrived.Id));
        }

        await alice.PublishAsync("sensor.memory", 1);
        Assert.Equal("sensor.memory", (await NextAsync(other)).Topic.Value);
    });

    [Fact]
    public void TheFirstEventAfterASubscriptionIsInForceIsNotLost() => Run(async (mesh, boot, realm) => // [REC-19] [PUB-2]
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Server, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);

        // A publisher that is warm: it has asked who subscribes before anybody did.
        Assert.Equal(0, (await alice.PublishAsync("sensor.load", 0)).Subscribers);
        for (var number = 1; number <= 5; number++)
        {
            await using var subscription = await bob.SubscribeAsync("sensor.*");
            Assert.Equal(1, (await alice.PublishAsync("sensor.load", number)).Subscribers);
            Assert.Equal(number, (await NextAsync(subscription)).Value.AsInt64());
        }
    });

    [Fact]
    public void EventsOfOneTopicComeInTheOrderInWhichTheyWerePublished() => Run(async (mesh, boot, realm) => // [PUB-6] [PUB-11]
    {
        const int Events = 1000;
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await using var subscription = await bob.SubscribeAsync("order.*", new SubscribeOptions { MaxQueuedEvents = 4 * Events });
        var publishing = Enumerable.Range(0, Events).SelectMany(number => new[] { ("order.a", number), ("order.b", number) })
            .Select(entry => alice.PublishAsync(entry.Item1, entry.number).AsTask()).ToList();
        await Task.WhenAll(publishing);

        var last = new Dictionary<string, long> { ["order.a"] = -1, ["order.b"] = -1 };
        for (var taken = 0; taken < 2 * Events; taken++)
        {
            var arrived = await NextAsync(subscription);
            Assert.Equal(last[arrived.Topic.Value] + 1, arrived.Value.AsInt64());
            last[arrived.Topic.Value]++;
        }

        Assert.Equal(0, subscription.DroppedEvents);
    });

    [Fact]
    public void WhatWasPublishedIsSentBeforeItsPublisherIsGone() => Run(async (mesh, boot, realm) => // [PUB-16]
    {
        const int Events = 100;
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await using var subscription = await bob.SubscribeAsync("order.*");

        // Not even connected to bob yet, when it is told to stop.
        await Task.WhenAll(Enumerable.Range(0, Events).Select(number => alice.PublishAsync("order.a", number).AsTask()));
        await alice.DisposeAsync();

        for (var number = 0; number < Events; number++)
        {
            Assert.Equal(number, (await NextAsync(subscription)).Value.AsInt64());
        }
    });

    [Fact]
    public void NothingComesAfterTheSubscriptionWasDisposed() => Run(async (mesh, boot, realm) =>
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        var subscription = await bob.SubscribeAsync("sensor.*");
        await alice.PublishAsync("sensor.load", 1);
        await NextAsync(subscription);
        await alice.PublishAsync("sensor.load", 2);

        await subscription.DisposeAsync();

        await foreach (var late in subscription)
        {
            Assert.Fail($"{late} came after the end.");
        }

        await mesh.UntilAsync(async () => (await alice.PublishAsync("sensor.load", 3)).Subscribers == 0);
    });

    [Fact]
    public void ANodeReceivesItsOwnEvents() => Run(async (mesh, boot, realm) =>
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        await using var subscription = await alice.SubscribeAsync("a.**");

        Assert.Equal(1, (await alice.PublishAsync("a", 1)).Subscribers);
        Assert.Equal(1, (await NextAsync(subscription)).Value.AsInt64());
    });

    [Fact]
    public void ThePublishersSpanComesWithTheEvent() => Run(async (mesh, boot, realm) =>
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await using var subscription = await bob.SubscribeAsync("a");
        await using var own = await alice.SubscribeAsync("a");
        using var span = new System.Diagnostics.Activity("publishing").SetIdFormat(System.Diagnostics.ActivityIdFormat.W3C).Start();

        await alice.PublishAsync("a", 1);

        Assert.Equal(span.Id, (await NextAsync(subscription)).TraceParent);
        Assert.Equal(span.Id, (await NextAsync(own)).TraceParent);
    });

    [Fact]
    public void WrongNamesAreRefusedWhereTheyAreGiven() => Run(async (mesh, _, realm) =>
    {
        var alice = await mesh.StartAsync(realm, "alice");
        await Assert.ThrowsAsync<ArgumentException>(() => alice.PublishAsync("sensor.*", 1).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => alice.SubscribeAsync("sensor..load").AsTask());
    });

    [Fact]
    public void TheLargestEventUnderTheLongestTopicArrives() => Run(async (mesh, boot, realm) => // [NAM-2] [FRM-6] [PUB-1]
    {
        // Sixteen segments and 255 bytes, a mebibyte, and a span.
        const string Segment = "abcdefghijklmno";
        var topic = string.Join('.', Enumerable.Repeat(Segment, TopicName.MaxSegments));
        Assert.Equal(TopicName.MaxBytes, topic.Length);
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        var subscriptions = new List<Subscription>();
        foreach (var pattern in new[] { topic, $"{Segment}.**", "**", string.Join('.', Enumerable.Repeat("*", TopicName.MaxSegments)), $"{topic[..^Segment.Length]}*" })
        {
            subscriptions.Add(await bob.SubscribeAsync(pattern));
        }

        using var span = new System.Diagnostics.Activity("publishing").SetIdFormat(System.Diagnostics.ActivityIdFormat.W3C).Start();
        var payload = Payload.FromBytes(Enumerable.Range(0, Payload.MaxBytes).Select(number => (byte)(number * 7)).ToArray());

        Assert.Equal(1, (await alice.PublishAsync(topic, payload)).Subscribers);

        foreach (var subscription in subscriptions)
        {
            var arrived = await NextAsync(subscription);
            Assert.Equal((topic, span.Id), (arrived.Topic.Value, arrived.TraceParent));
            Assert.Equal(payload, arrived.Payload);
            await subscription.DisposeAsync();
        }
    });

    [Fact]
    public void WhatIsBeyondTheLargestEventFailsWhereItIsPublished() => Run(async (mesh, _, realm) => // [NAM-2] [FRM-6]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var seventeen = string.Join('.', Enumerable.Repeat("a", TopicName.MaxSegments + 1));

        Assert.Equal(ErrorCode.PayloadTooLarge, Assert.Throws<MaculaException>(() => Payload.FromBytes(new byte[Payload.MaxBytes + 1])).Code);
        await Assert.ThrowsAsync<ArgumentException>(() => alice.PublishAsync(seventeen, 1).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => alice.SubscribeAsync(seventeen).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => alice.PublishAsync(new string('a', TopicName.MaxBytes + 1), 1).AsTask());
    });

    [Fact]
    public void APayloadOfEachContentTypeArrivesAsItIs() => Run(async (mesh, boot, realm) => // [FRM-6]
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await using var subscription = await bob.SubscribeAsync("a");
        foreach (var payload in new[] { Payload.FromValue(7), Payload.FromJson("""{"load": 0.5}"""), Payload.FromBytes(new byte[] { 0xc1 }), Payload.FromBytes(default) })
        {
            await alice.PublishAsync("a", payload);
            Assert.Equal(payload, (await NextAsync(subscription)).Payload);
        }
    });

    [Fact]
    public void WhoPublishesWithoutANetworkIsToldSo() => Run(async (mesh, _, realm) =>
    {
        var alice = await mesh.StartAsync(realm, "alice", options => options with { Dht = new DhtOptions { Bootstraps = [] } });
        var failure = await Assert.ThrowsAsync<MaculaException>(() => alice.PublishAsync("sensor.load", 1).AsTask());
        Assert.Equal(ErrorCode.Unreachable, failure.Code);
    });

    [Fact]
    public void ANodeThatStopsEndsItsSubscriptions() => Run(async (mesh, boot, realm) =>
    {
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        var subscription = await bob.SubscribeAsync("sensor.*");
        var reading = NextAsync(subscription);
        await bob.DisposeAsync();
        Assert.Equal(ErrorCode.ShuttingDown, (await Assert.ThrowsAsync<MaculaException>(() => reading)).Code);
    });

    internal static async Task<MeshEvent> NextAsync(Subscription subscription)
    {
        await using var events = subscription.GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync(), "The subscription has ended.");
        return events.Current;
    }

    private static void Run(Func<Mesh, MaculaPeer, TestRealm, Task> body) => new TRunner().Run(async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", static options => options with { Dht = new DhtOptions { Mode = DhtMode.Server, Bootstraps = [] } });
        await body(mesh, boot, realm);
    });

    private static Task<MaculaPeer> StartAsync(Mesh mesh, TestRealm realm, string name, DhtMode mode, MaculaPeer boot)
    {
        ImmutableArray<BootstrapAddress> bootstraps = [BootstrapAddress.Parse(boot.LocalEndPoint.ToString())];
        return mesh.StartAsync(realm, name, options => options with { Dht = new DhtOptions { Mode = mode, Bootstraps = bootstraps } });
    }
}

public sealed class SimulatedPubSubTests : PubSubContract<SimulatedRunner>;

public sealed class LoopbackPubSubTests : PubSubContract<LoopbackRunner>;
