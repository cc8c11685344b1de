using Macula.PubSub;
using Macula.Testing.Network;
using Macula.Tests.Dht;
using Macula.Tests.Meshes;

namespace Macula.Tests.PubSub;

/// <summary>When a subscription is in force, in virtual time: [REC-19], [PUB-2].</summary>
public sealed class SubscriptionWindowTests
{
    private const int Seeds = 12;
    private const int SubscriptionsPerSeed = 20;

    private static readonly Link Uneven = new() { Latency = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.FromMilliseconds(30) };
    private static readonly TimeSpan ThreeOneWayDelays = 3 * (Uneven.Latency + Uneven.Jitter);

    [Fact]
    public void WhatAWarmPublisherPublishesThreeDelaysAfterTheAcknowledgementArrives()
    {
        for (var seed = 1UL; seed <= Seeds; seed++)
        {
            SimulatedRun.Run(seed, SubscribeAgainAndAgainAsync, Uneven);
        }
    }

    private static async Task SubscribeAgainAndAgainAsync(SimulatedMesh mesh)
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        for (var number = 0; number < 6; number++)
        {
            await mesh.StartAsync(realm, $"node-{number}", DhtMember.Server(boot));
        }

        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        await alice.PublishAsync("sensor.load", 0);
        var published = new List<(TimeSpan At, PublishReceipt Receipt)>();
        using var stop = new CancellationTokenSource();
        var publishing = PublishUntilAsync(mesh, alice, published, stop.Token);

        for (var number = 0; number < SubscriptionsPerSeed; number++)
        {
            await using var subscription = await bob.SubscribeAsync(number % 2 == 0 ? "sensor.*" : "sensor.load");
            var inForce = mesh.World.Elapsed + ThreeOneWayDelays;
            await Task.Delay(ThreeOneWayDelays + TimeSpan.FromMilliseconds(20), mesh.Time);
            var due = published.Where(entry => entry.At >= inForce).Select(entry => entry.Receipt.Id.Sequence).ToList();
            Assert.NotEmpty(due);
            var arrived = new HashSet<long>();
            while (!arrived.Contains(due[^1]))
            {
                arrived.Add((await SimulatedPubSubTests.NextAsync(subscription)).Id.Sequence);
            }

            Assert.Empty(due.Except(arrived));
        }

        stop.Cancel();
        await publishing;
    }

    private static async Task PublishUntilAsync(SimulatedMesh mesh, MaculaPeer publisher, List<(TimeSpan At, PublishReceipt Receipt)> published, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            published.Add((mesh.World.Elapsed, await publisher.PublishAsync("sensor.load", 1, cancellationToken: CancellationToken.None)));
            await Task.Delay(TimeSpan.FromMilliseconds(2), mesh.Time, CancellationToken.None);
        }
    }
}
