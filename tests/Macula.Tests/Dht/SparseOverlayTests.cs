using Macula.Tests.Hostile;
using Macula.Tests.PubSub;
using Macula.Wire.Identifiers;

namespace Macula.Tests.Dht;

/// <summary>Finding somebody in a realm that is larger than anybody's routing table.</summary>
public sealed class SparseOverlayTests(SparseOverlay overlay) : IClassFixture<SparseOverlay>
{
    private const int Topics = 6;

    [Fact]
    public void ACallFindsItsProviderAmongTwoHundredNodesOfWhichTheCallerKnowsThree() => overlay.Run(async (mesh, realm, nodes) => // [KAD-10] [KAD-20]
    {
        var provider = nodes[nodes.Count / 2];
        var advertisement = await provider.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
        await advertisement.WaitUntilPublishedAsync();
        await using var asker = await RawMember.StartAsync(mesh, realm, "asker-of-providers");
        var key = DhtKey.OfProviders(realm.File.Id, ProcedureName.Parse("echo"));
        var known = new List<MaculaPeer>();
        foreach (var node in nodes)
        {
            if (known.Count < 3 && (await asker.ReadRecordsAsync(node.LocalEndPoint, key)).IsEmpty)
            {
                known.Add(node);
            }
        }

        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Server([.. known]));
        var reply = await caller.CallAsync("echo", 7);

        Assert.Equal(provider.Self.NodeId, reply.Provider.NodeId);
        Assert.Empty(await asker.ReadRecordsAsync(caller.LocalEndPoint, key));
    });

    [Fact]
    public void TheFirstEventArrivesAmongTwoHundredNodesOfWhichPublisherAndSubscriberKnowThreeEach() => overlay.Run(async (mesh, realm, nodes) => // [REC-19] [PUB-2] [KAD-35]
    {
        await using var asker = await RawMember.StartAsync(mesh, realm, "asker-of-subscribers");

        // All at once: what takes long is what two hundred nodes do beside it, as long as it takes.
        await Task.WhenAll(Enumerable.Range(0, Topics).Select(async number =>
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
        }));
    });
}
