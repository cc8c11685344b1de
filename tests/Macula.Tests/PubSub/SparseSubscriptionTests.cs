using Macula.Tests.Dht;
using Macula.Tests.Hostile;
using Macula.Wire.Identifiers;

namespace Macula.Tests.PubSub;

/// <summary>Subscribing in a realm that is larger than anybody's routing table, in virtual time.</summary>
public sealed class SparseSubscriptionTests
{
    private const int Topics = 6;

    [Fact]
    public void TheFirstEventArrivesAmongTwoHundredNodesOfWhichPublisherAndSubscriberKnowThreeEach() => SimulatedRun.Run(201, async mesh => // [REC-19] [PUB-2] [KAD-35]
    {
        var realm = mesh.Found("tenant-a");
        var nodes = await SparseOverlay.StartAsync(mesh, realm);
        await using var asker = await RawMember.StartAsync(mesh, realm);
        for (var number = 0; number < Topics; number++)
        {
            var key = DhtKey.OfSubscribers(realm.File.Id, TopicPattern.Parse($"sensor-{number}.*").LiteralPrefix);
            var far = nodes.OrderByDescending(node => key.DistanceTo(node.Self.NodeId)).Take(6).ToList();
            var publisher = await mesh.StartAsync(realm, $"publisher-{number}", DhtMember.Client(far[..3]));
            var subscriber = await mesh.StartAsync(realm, $"subscriber-{number}", DhtMember.Server(far[3..]));
            Assert.Equal(0, (await publisher.PublishAsync($"sensor-{number}.load", 0)).Subscribers);

            await using var subscription = await subscriber.SubscribeAsync($"sensor-{number}.*");
            var receipt = await publisher.PublishAsync($"sensor-{number}.load", 1);

            Assert.Equal(receipt.Id, (await SimulatedPubSubTests.NextAsync(subscription)).Id);
            foreach (var stranger in far)
            {
                Assert.Empty(await asker.ReadRecordsAsync(stranger.LocalEndPoint, key));
            }
        }

        // What is claimed is shown; two hundred good-byes would take as long again.
        nodes.ForEach(mesh.Abandon);
    });
}
