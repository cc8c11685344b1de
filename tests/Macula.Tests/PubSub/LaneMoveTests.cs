using System.Collections.Immutable;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.PubSub;
using Macula.Rpc;
using Macula.Testing.Network;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;

namespace Macula.Tests.PubSub;

/// <summary>Events while connections give way to each other.</summary>
public sealed class LaneMoveTests
{
    private const int Seeds = 20;
    private const int Events = 300;

    // What is lost on one connection arrives after what was sent later on another.
    private static readonly SimulatedNetworkOptions Lossy = new() { DefaultLink = new Link { Loss = 0.05 } };

    [Fact]
    public void NoEventIsLostOrOvertakenWhenAConnectionGivesWayToAnother() // [PUB-8]
    {
        var moves = 0;
        for (var seed = 1UL; seed <= Seeds; seed++)
        {
            var mesh = new SimulatedMesh(seed, Lossy);
            mesh.World.Run(
                async () =>
                {
                    await using (mesh)
                    {
                        await PublishWhileOthersDialAsync(mesh, seed);
                    }
                },
                TimeSpan.FromMinutes(10));
            Assert.DoesNotContain(mesh.Log.Lines, line => line.Event.Id == 1004);
            moves += mesh.Log.Lines.Any(line => line.Event.Id == 1005) ? 1 : 0;
        }

        Assert.True(moves > Seeds / 10, $"Only in {moves} of {Seeds} runs did a connection give way: the test shows nothing.");
    }

    private static async Task PublishWhileOthersDialAsync(SimulatedMesh mesh, ulong seed)
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", static options => options with { Dht = new DhtOptions { Mode = DhtMode.Server, Bootstraps = [] } });
        var alice = await StartAsync(mesh, realm, $"alice-{seed}", boot);
        var bob = await StartAsync(mesh, realm, $"bob-{seed}", boot);
        await using var advertisement = await alice.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
        await using var subscription = await bob.SubscribeAsync("count");
        var publishing = PublishAsync(mesh, alice);

        // By address, so that bob dials although alice has dialled him.
        await Task.Delay(TimeSpan.FromMilliseconds(20 * (seed % 7)), mesh.Time);
        var call = bob.CallAsync("echo", 1, new CallOptions { At = alice.LocalEndPoint });

        await Task.WhenAll(publishing, ReadAsync(subscription), call.AsTask());
    }

    private static async Task ReadAsync(Subscription subscription)
    {
        for (var number = 0; number < Events; number++)
        {
            Assert.Equal(number, (await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt64());
        }
    }

    private static async Task PublishAsync(SimulatedMesh mesh, MaculaPeer alice)
    {
        for (var number = 0; number < Events; number++)
        {
            await alice.PublishAsync("count", number);
            await Task.Delay(TimeSpan.FromMilliseconds(2), mesh.Time);
        }
    }

    private static Task<MaculaPeer> StartAsync(SimulatedMesh mesh, TestRealm realm, string name, MaculaPeer boot)
    {
        ImmutableArray<BootstrapAddress> bootstraps = [BootstrapAddress.Parse(boot.LocalEndPoint.ToString())];
        return mesh.StartAsync(realm, name, options => options with { Dht = new DhtOptions { Bootstraps = bootstraps } });
    }
}
