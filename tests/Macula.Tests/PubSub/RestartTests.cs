using System.Net;
using Macula.Identity.Credentials;
using Macula.PubSub;
using Macula.Testing.Network;
using Macula.Tests.Dht;
using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Tests.PubSub;

/// <summary>Publishers and subscribers that are killed, come back, stop or join late, in virtual time.</summary>
public sealed class RestartTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ASubscriberThatWasKilledAndSubscribesAgainGetsWhatIsPublishedFromThenOn(ulong seed) => SimulatedRun.Run(seed, async mesh => // [PUB-12] [REC-16]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        using var credentials = realm.Issue("bob", mesh.WallNow);
        var bob = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(boot));
        var host = mesh.LastHost;
        var subscription = await bob.SubscribeAsync("a");
        await alice.PublishAsync("a", 0);
        Assert.Equal(0, (await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());

        host.Crash();
        mesh.Abandon(bob);
        for (var number = 1; number <= 20; number++)
        {
            await alice.PublishAsync("a", number);
            await Task.Delay(Pause, mesh.Time);
        }

        host.Restart();
        await using var second = await StartAgainAsync(host, credentials, realm.File, DhtMember.Client(boot));
        await using var renewed = await second.SubscribeAsync("a");
        var subscribed = mesh.World.Elapsed;
        await Task.Delay(Pause, mesh.Time);
        for (var number = 100; number < 120; number++)
        {
            await alice.PublishAsync("a", number);
        }

        for (var number = 100; number < 120; number++)
        {
            MeshEvent arrived;
            do
            {
                // What waited for the first life may come to the second.
                arrived = await SimulatedPubSubTests.NextAsync(renewed);
            }
            while (arrived.Value.AsInt32() < 100);
            Assert.Equal(number, arrived.Value.AsInt32());
        }

        // Not only when the connection to the first life has timed out, which takes 45 s.
        Assert.InRange(mesh.World.Elapsed - subscribed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
    });

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void ASubscriberThatComesBackElsewhereIsFoundLongBeforeItsOldConnectionEnds(ulong seed) => SimulatedRun.Run(seed, async mesh => // [PUB-12]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        using var credentials = realm.Issue("bob", mesh.WallNow);
        var bob = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(boot));
        var host = mesh.LastHost;
        var subscription = await bob.SubscribeAsync("a");
        await alice.PublishAsync("a", 0);
        await SimulatedPubSubTests.NextAsync(subscription);

        // Nobody answers at the old address any more, and the connection there has 45 s to live.
        host.Crash();
        mesh.Abandon(bob);
        var second = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(boot));
        await using var renewed = await second.SubscribeAsync("a");
        var subscribed = mesh.World.Elapsed;
        await Task.Delay(Pause, mesh.Time);
        await alice.PublishAsync("a", 1);

        Assert.Equal(1, (await SimulatedPubSubTests.NextAsync(renewed)).Value.AsInt32());
        Assert.InRange(mesh.World.Elapsed - subscribed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(20)]
    [InlineData(30)]
    public void ASubscriberThatCouldNotBeReachedIsTriedAtOnceWhenItIsBack(int laterSeconds) => SimulatedRun.Run(21, async mesh => // [PUB-12]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        using var credentials = realm.Issue("bob", mesh.WallNow);
        var bob = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(boot));
        var host = mesh.LastHost;
        await bob.SubscribeAsync("a");
        host.Crash();
        mesh.Abandon(bob);

        // Until the pauses between the dials are as long as they get, half a minute; a dial takes 10 s, so that most of these times lie in a pause.
        for (var minute = 0; minute < 5; minute++)
        {
            Assert.Equal(1, (await alice.PublishAsync("a", minute)).Subscribers);
            await Task.Delay(TimeSpan.FromMinutes(1), mesh.Time);
        }

        await Task.Delay(TimeSpan.FromSeconds(laterSeconds), mesh.Time);
        host.Restart();
        await using var second = await StartAgainAsync(host, credentials, realm.File, DhtMember.Client(boot));
        await using var renewed = await second.SubscribeAsync("a");
        var subscribed = mesh.World.Elapsed;

        // What was published while it was away has waited.
        Assert.Equal(0, (await SimulatedPubSubTests.NextAsync(renewed)).Value.AsInt32());
        Assert.InRange(mesh.World.Elapsed - subscribed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    });

    [Fact]
    public void APublisherThatWasKilledIsHeardInItsSecondLife() => SimulatedRun.Run(4, async mesh => // [PUB-10] [PUB-11]
    {
        var realm = mesh.Found("tenant-a");
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Server());
        await using var subscription = await bob.SubscribeAsync("a");
        using var credentials = realm.Issue("alice", mesh.WallNow);
        var alice = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(bob));
        var host = mesh.LastHost;
        var first = await alice.PublishAsync("a", 1);
        Assert.Equal(first.Id, (await SimulatedPubSubTests.NextAsync(subscription)).Id);

        host.Crash();
        mesh.Abandon(alice);
        host.Restart();
        await using var second = await StartAgainAsync(host, credentials, realm.File, DhtMember.Client(bob));
        var receipt = await second.PublishAsync("a", 2);

        Assert.Equal(receipt.Id, (await SimulatedPubSubTests.NextAsync(subscription)).Id);
        Assert.Equal((first.Id.Publisher, first.Id.Sequence), (receipt.Id.Publisher, receipt.Id.Sequence));
        Assert.NotEqual(first.Id.Epoch, receipt.Id.Epoch);
    });

    [Fact]
    public void WhatWasPublishedBeforeANodeStopsIsStillSent() => SimulatedRun.Run(5, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Server());
        await using var subscription = await bob.SubscribeAsync("a.*");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(bob));
        for (var number = 0; number < 100; number++)
        {
            await alice.PublishAsync($"a.{number % 10}", number);
        }

        await alice.DisposeAsync();

        var arrived = new SortedSet<int>();
        while (arrived.Count < 100)
        {
            arrived.Add((await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());
        }
    });

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void ANodeThatPublishedAloneAsksAgainOnceItHasJoined(ulong seed) => SimulatedRun.Run(seed, async mesh => // [PUB-2]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        await using var subscription = await bob.SubscribeAsync("a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server(boot));
        mesh.Network.Partition([mesh.LastHost], [.. mesh.Network.Hosts.Where(host => host != mesh.LastHost)]);
        Assert.Equal(0, (await alice.PublishAsync("a", 1, new PublishOptions { Deadline = TimeSpan.FromMinutes(1) })).Subscribers);

        mesh.Network.Heal();
        await alice.WaitUntilJoinedAsync();
        var receipt = await alice.PublishAsync("a", 2);

        Assert.True(receipt.Subscribers == 1, string.Join("\n", mesh.Log.Lines.Select(line => $"{line.Event.Id} {line.Message}")));
        Assert.Equal(receipt.Id, (await SimulatedPubSubTests.NextAsync(subscription)).Id);
    });

    [Fact]
    public void ANodeThatStopsTakesNothingBackThatItsApplicationLetsGoOfMeanwhile() => SimulatedRun.Run(9, async mesh => // [PUB-3]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        var one = await bob.SubscribeAsync("a.*");
        var other = await bob.SubscribeAsync("a.b.*");
        var third = await bob.SubscribeAsync("a.*.c");
        Assert.Equal(1, (await alice.PublishAsync("a.b", 1)).Subscribers);

        var stopping = bob.DisposeAsync().AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(1), mesh.Time);
        await one.DisposeAsync();
        Assert.Equal(ErrorCode.ShuttingDown, (await Assert.ThrowsAsync<MaculaException>(() => bob.SubscribeAsync("a.*.d").AsTask())).Code);
        await stopping;
        await other.DisposeAsync();
        await third.DisposeAsync();

        Assert.Equal(0, (await alice.PublishAsync("a.b", 2)).Subscribers);
    });

    private static Task<MaculaPeer> StartAgainAsync(
        SimulatedHost host, NodeCredentials credentials, Identity.Realm.RealmFile realm, Func<MaculaPeerOptions, MaculaPeerOptions> configure) =>
        MaculaPeer.StartAsync(configure(new MaculaPeerOptions
        {
            Realm = realm,
            Credentials = credentials,
            Transport = host.Transport,
            Scheduler = host.Scheduler,
            Random = host.Random.Fork("second life"),
            Endpoint = new EndpointOptions { LocalEndPoint = new IPEndPoint(host.Address, 9443) },
        }));
}
