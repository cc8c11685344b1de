using Macula.Rpc;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;

namespace Macula.Tests.Dht;

/// <summary>How many connections the DHT takes, how long they stay, and what watches save, in virtual time.</summary>
public sealed class WatchAndConnectionTests
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void TwoNodesKeepOneConnectionWhateverTheyDo() // [CON-5] [CON-7]
    {
        for (var seed = 1UL; seed <= 20; seed++)
        {
            SimulatedRun.Run(seed, async mesh =>
            {
                var realm = mesh.Found("tenant-a");
                var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
                var bob = await mesh.StartAsync(realm, "bob", DhtMember.Server(alice));
                await bob.WaitUntilJoinedAsync();
                await Task.WhenAll(new[] { (alice, "a"), (bob, "b") }.Select(async member =>
                {
                    var (provider, name) = member;
                    await (await provider.AdvertiseAsync(name, Echo)).WaitUntilPublishedAsync();
                }));
                for (var round = 0; round < 3; round++)
                {
                    await Task.WhenAll(alice.CallAsync("b", 1).AsTask(), bob.CallAsync("a", 2).AsTask());
                }

                await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
                Assert.Equal((1, 1), (alice.TransportCounters.ConnectionsOpen, bob.TransportCounters.ConnectionsOpen));
            });
        }
    }

    [Fact]
    public void WhatOnlyTheDhtUsedClosesAndWhatIsWatchedStaysWhileItIsUsed() => SimulatedRun.Run(30, async mesh => // [CON-16]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var holder = await mesh.StartAsync(realm, "holder", DhtMember.Server(boot));
        var provider = await mesh.StartAsync(realm, "provider", DhtMember.Client(boot));
        await (await provider.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        await holder.WaitUntilJoinedAsync();
        await bob.CallAsync("echo", 7);
        await Task.Delay(TimeSpan.FromMinutes(3), mesh.Time);

        // Bob watches at the two servers, and has called the provider; the servers have nothing to say to each other.
        Assert.Equal((3, 1, 1), (bob.TransportCounters.ConnectionsOpen, holder.TransportCounters.ConnectionsOpen, boot.TransportCounters.ConnectionsOpen));
        Assert.Equal(1, provider.TransportCounters.ConnectionsOpen);

        await Task.Delay(TimeSpan.FromMinutes(15), mesh.Time);
        Assert.Equal(1, bob.TransportCounters.ConnectionsOpen);
    });

    [Fact]
    public void AWarmCallerLearnsOfASecondProviderByItself() => SimulatedRun.Run(31, async mesh => // [RPC-17] [KAD-31] [KAD-36]
    {
        var (boot, first, bob) = await StartAsync(mesh);
        await bob.CallAsync("echo", 7);
        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        var second = await mesh.StartAsync(mesh.Realm!, "second", DhtMember.Client(boot));
        await (await second.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var lookups = LookupsOf(mesh);

        var providers = new List<Wire.Identifiers.NodeId>();
        for (var call = 0; call < 2; call++)
        {
            providers.Add((await bob.CallAsync("echo", 7, new CallOptions { Deadline = TimeSpan.FromSeconds(2) })).Provider.NodeId);
        }

        Assert.Equal(new[] { first.Self.NodeId, second.Self.NodeId }.Order(), providers.Order());

        // The one lookup is that of the second provider's address.
        Assert.InRange(LookupsOf(mesh) - lookups, 0, 1);
    });

    [Fact]
    public void AWatchIsRenewedAndOutlivesAHolder() => SimulatedRun.Run(32, async mesh => // [KAD-36] [KAD-37] [KAD-39] [REC-21]
    {
        var (boot, _, bob) = await StartAsync(mesh);
        var holders = new List<(MaculaPeer Peer, Testing.Network.SimulatedHost Host)>();
        for (var number = 0; number < 5; number++)
        {
            holders.Add((await mesh.StartAsync(mesh.Realm!, $"holder-{number}", DhtMember.Server(boot)), mesh.LastHost));
        }

        await Task.WhenAll(holders.Select(holder => holder.Peer.WaitUntilJoinedAsync().AsTask()));
        for (var minute = 0; minute < 10; minute++)
        {
            await bob.CallAsync("echo", 7);
            await Task.Delay(TimeSpan.FromMinutes(1), mesh.Time);
        }

        foreach (var (peer, host) in holders.Take(4))
        {
            host.Crash();
            mesh.Abandon(peer);
        }

        // Silence is noticed when a renewal is due, and when the connection has been silent for 45 s.
        await Task.Delay(TimeSpan.FromMinutes(2), mesh.Time);
        var second = await mesh.StartAsync(mesh.Realm!, "second", DhtMember.Client(boot));
        await (await second.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var lookups = LookupsOf(mesh);
        var providers = new HashSet<Wire.Identifiers.NodeId>();
        for (var call = 0; call < 2; call++)
        {
            providers.Add((await bob.CallAsync("echo", 7)).Provider.NodeId);
        }

        Assert.Contains(second.Self.NodeId, providers);
        Assert.InRange(LookupsOf(mesh) - lookups, 0, 1);
    });

    [Fact]
    public void TwoProceduresDoNotShareATurn() => SimulatedRun.Run(33, async mesh => // [RPC-16]
    {
        var (boot, first, bob) = await StartAsync(mesh);
        var second = await mesh.StartAsync(mesh.Realm!, "second", DhtMember.Client(boot));
        foreach (var (provider, name) in new[] { (first, "sum"), (second, "sum"), (second, "echo") })
        {
            await (await provider.AdvertiseAsync(name, Echo)).WaitUntilPublishedAsync();
        }

        var echoes = new List<Wire.Identifiers.NodeId>();
        var sums = new List<Wire.Identifiers.NodeId>();
        for (var round = 0; round < 4; round++)
        {
            echoes.Add((await bob.CallAsync("echo", 7)).Provider.NodeId);
            sums.Add((await bob.CallAsync("sum", 7)).Provider.NodeId);
        }

        Assert.Equal((2, 2), (echoes.Distinct().Count(), sums.Distinct().Count()));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(90)]
    [InlineData(150)]
    [InlineData(400)]
    public void ANodeThatStopsInTheMiddleOfThingsLeavesNothingBehind(int afterMilliseconds) => SimulatedRun.Run((ulong)afterMilliseconds + 50, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var nowhere = await mesh.StartAsync(realm, "nowhere", DhtMember.Server(boot));
        mesh.LastHost.Crash();
        mesh.Abandon(nowhere);
        var busy = await mesh.StartAsync(realm, "busy", DhtMember.Server(boot, nowhere));
        var advertising = (await busy.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync().AsTask();
        var calling = busy.CallAsync("other", 7).AsTask();
        var joining = busy.WaitUntilJoinedAsync().AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(afterMilliseconds), mesh.Time);

        await busy.DisposeAsync();

        // Whoever waited has learnt how it ended, and nothing that runs was given up on.
        foreach (var waiting in new[] { advertising, calling, joining })
        {
            await Task.WhenAny(waiting);
            Assert.True(waiting.IsCompletedSuccessfully || waiting.Exception?.InnerException is MaculaException, waiting.Status.ToString());
        }

        Assert.DoesNotContain(mesh.Log.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error || line.Event.Id == 1008);
        Assert.Equal(0, busy.TransportCounters.ConnectionsOpen);
    });

    [Fact]
    public void TheFirstNodeOfARealmIsQuietAboutBeingAlone() => SimulatedRun.Run(34, async mesh => // [KAD-23]
    {
        var realm = mesh.Found("tenant-a");
        mesh.NextTransport(out var address);
        realm.Authority.SetBootstraps([Identity.Realm.BootstrapAddress.Parse(new System.Net.IPEndPoint(new System.Net.IPAddress([10, 0, 0, 2]), 9443).ToString())]);
        var boot = await mesh.StartAsync(realm, "boot", options => options with { Dht = new Macula.Dht.DhtOptions { Mode = Macula.Dht.DhtMode.Server } });
        Assert.Equal(realm.File.Bootstraps[0].ToString(), boot.LocalEndPoint.ToString());

        await Task.Delay(TimeSpan.FromMinutes(10), mesh.Time);

        Assert.DoesNotContain(mesh.Log.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    });

    private static async Task<(MaculaPeer Boot, MaculaPeer Provider, MaculaPeer Caller)> StartAsync(SimulatedMesh mesh)
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var provider = await mesh.StartAsync(realm, "provider", DhtMember.Client(boot));
        await (await provider.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        return (boot, provider, await mesh.StartAsync(realm, "bob", DhtMember.Client(boot)));
    }

    private static int LookupsOf(SimulatedMesh mesh) => mesh.Log.Lines.Count(line => line.Event.Id == 1202);
}
