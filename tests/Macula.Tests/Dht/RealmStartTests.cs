using System.Net;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Testing.Network;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Dht;

/// <summary>Nodes that begin before others, lose packets, move, die and come back, in virtual time.</summary>
public sealed class RealmStartTests
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhatIsPublishedWhileARealmStartsComesToWhereOthersLook(ulong seed) => SimulatedRun.Run(seed, async mesh => // [REC-20]
    {
        // All at once, so that the provider knows the bootstrap alone when it advertises.
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var provider = await mesh.StartAsync(realm, "provider", DhtMember.Server(boot));
        await (await provider.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var others = new List<MaculaPeer>();
        for (var number = 0; number < 40; number++)
        {
            others.Add(await mesh.StartAsync(realm, $"node-{number}", DhtMember.Server(boot)));
        }

        await Task.WhenAll(others.Select(node => node.WaitUntilJoinedAsync().AsTask()));
        await Task.Delay(TimeSpan.FromSeconds(20), mesh.Time);
        mesh.Network.Hosts[0].Crash();
        mesh.Abandon(boot);
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(others[0], others[1], others[2]));

        Assert.Equal(provider.Self.NodeId, (await caller.CallAsync("echo", 7)).Provider.NodeId);
    });

    [Fact]
    public void AJoinerWhoseFirstPacketsAreLostGetsIn() // [KAD-21]
    {
        for (var seed = 1UL; seed <= 10; seed++)
        {
            SimulatedRun.Run(seed, async mesh =>
            {
                var realm = mesh.Found("tenant-a");
                var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
                var bootHost = mesh.LastHost;
                await boot.AdvertiseAsync("echo", Echo);
                mesh.NextTransport(out var address);
                var host = mesh.LastHost;
                mesh.Network.Cut(bootHost, host);
                using var credentials = realm.Issue("joiner", mesh.WallNow);
                await using var joiner = await MaculaPeer.StartAsync(DhtMember.Server(boot)(On(host, realm.File, credentials)));
                await Task.Delay(TimeSpan.FromSeconds(25), mesh.Time);
                Assert.Equal(0, joiner.TransportCounters.HandshakesCompleted);

                mesh.Network.Heal();
                var healed = mesh.World.Elapsed;
                await joiner.WaitUntilJoinedAsync();

                Assert.InRange(mesh.World.Elapsed - healed, TimeSpan.Zero, TimeSpan.FromSeconds(31));
                Assert.Equal(boot.Self.NodeId, (await joiner.CallAsync("echo", 7)).Provider.NodeId);
            });
        }
    }

    [Fact]
    public void TheRecordsOfAKilledNodeExpireAndCallersLearnItAtOnce() => SimulatedRun.Run(5, async mesh => // [REC-11]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var provider = await mesh.StartAsync(realm, "provider", DhtMember.Server(boot).With(dht => dht with { RecordTimeToLive = TimeSpan.FromSeconds(60) }));
        var host = mesh.LastHost;
        await (await provider.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));
        await caller.CallAsync("echo", 7);

        host.Crash();
        mesh.Abandon(provider);
        await Task.Delay(TimeSpan.FromSeconds(61), mesh.Time);
        foreach (var asking in new[] { caller, await mesh.StartAsync(realm, "stranger", DhtMember.Client(boot)) })
        {
            await asking.WaitUntilJoinedAsync();
            var before = mesh.World.Elapsed;
            var failure = await Assert.ThrowsAsync<CallException>(() => asking.CallAsync("echo", 7).AsTask());

            Assert.Equal((ErrorCode.NoProvider, CallExecution.NotStarted), (failure.Code, failure.Execution));
            Assert.InRange(mesh.World.Elapsed - before, TimeSpan.Zero, TimeSpan.FromSeconds(4));
        }
    });

    [Fact]
    public void ANodeThatMovedIsFoundAtItsNewAddress() => SimulatedRun.Run(6, async mesh => // [REC-10] [KAD-7]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        using var credentials = realm.Issue("mover", mesh.WallNow);
        var mover = await mesh.StartAsync(realm.File, credentials, DhtMember.Server(boot));
        var host = mesh.LastHost;
        await (await mover.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Server(boot));
        await caller.CallAsync("echo", 7);

        host.Crash();
        mesh.Abandon(mover);
        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        var moved = await mesh.StartAsync(realm.File, credentials, DhtMember.Server(boot));
        await (await moved.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var stranger = await mesh.StartAsync(realm, "stranger", DhtMember.Client(boot));

        var reply = await stranger.CallAsync("echo", 7);
        Assert.Equal((moved.Self.NodeId, $"direct {moved.LocalEndPoint}"), (reply.Provider.NodeId, reply.Path.Carrier.ToString()));
        await Task.Delay(TimeSpan.FromMinutes(1), mesh.Time);
        Assert.Equal($"direct {moved.LocalEndPoint}", (await caller.CallAsync("echo", 7)).Path.Carrier.ToString());
    });

    [Fact]
    public void PartsOfARealmThatWereCutFromEachOtherGrowTogether() => SimulatedRun.Run(7, async mesh => // [KAD-23]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var nodes = new List<MaculaPeer>();
        for (var number = 0; number < 6; number++)
        {
            nodes.Add(await mesh.StartAsync(realm, $"node-{number}", DhtMember.Server(boot)));
        }

        await Task.WhenAll(nodes.Select(node => node.WaitUntilJoinedAsync().AsTask()));
        var hosts = mesh.Network.Hosts;
        mesh.Network.Partition([.. hosts.Take(4)], [.. hosts.Skip(4)]);

        // Longer than it takes until each half has forgotten the other, hourly refreshes included.
        await Task.Delay(TimeSpan.FromHours(3), mesh.Time);
        await (await nodes[0].AdvertiseAsync("near", Echo)).WaitUntilPublishedAsync();
        await (await nodes[5].AdvertiseAsync("far", Echo)).WaitUntilPublishedAsync();
        await FailsAsync(nodes[5], "near");
        mesh.Network.Heal();
        await Task.Delay(TimeSpan.FromMinutes(12), mesh.Time);

        Assert.Equal(nodes[0].Self.NodeId, (await nodes[5].CallAsync("near", 7)).Provider.NodeId);
        Assert.Equal(nodes[5].Self.NodeId, (await boot.CallAsync("far", 7)).Provider.NodeId);
    });

    [Fact]
    public void ARealmWhoseBootstrapWasGoneTakesItBack() => SimulatedRun.Run(8, async mesh => // [KAD-22]
    {
        var realm = mesh.Found("tenant-a");
        using var credentials = realm.Issue("boot", mesh.WallNow);
        var boot = await mesh.StartAsync(realm.File, credentials, DhtMember.Server());
        var host = mesh.LastHost;
        var node = await mesh.StartAsync(realm, "node", DhtMember.Server(boot));
        await node.WaitUntilJoinedAsync();
        host.Crash();
        mesh.Abandon(boot);
        await Task.Delay(TimeSpan.FromHours(4), mesh.Time);

        host.Restart();
        await using var back = await MaculaPeer.StartAsync(DhtMember.Server()(On(host, realm.File, credentials)));
        await back.AdvertiseAsync("echo", Echo);
        await back.WaitUntilJoinedAsync();

        Assert.Equal(back.Self.NodeId, (await node.CallAsync("echo", 7)).Provider.NodeId);
    });

    private static async Task FailsAsync(MaculaPeer caller, string procedure) =>
        Assert.Equal(ErrorCode.NoProvider, (await Assert.ThrowsAsync<CallException>(() => caller.CallAsync(procedure, 7).AsTask())).Code);

    private static MaculaPeerOptions On(SimulatedHost host, RealmFile realm, Identity.Credentials.NodeCredentials credentials) => new()
    {
        Realm = realm,
        Credentials = credentials,
        Transport = host.Transport,
        Scheduler = host.Scheduler,
        Random = host.Random.Fork("another life"),
        Endpoint = new Transport.EndpointOptions { LocalEndPoint = new IPEndPoint(host.Address, 9443) },
    };
}
