using Macula.Tests.Hostile;
using Macula.Wire.Identifiers;

namespace Macula.Tests.Dht;

/// <summary>Finding somebody in a realm that is larger than anybody's routing table.</summary>
public sealed class SparseOverlayTests
{
    [Fact]
    public void ACallFindsItsProviderAmongTwoHundredNodesOfWhichTheCallerKnowsThree() => SimulatedRun.Run(200, async mesh => // [KAD-10] [KAD-20]
    {
        var realm = mesh.Found("tenant-a");
        var nodes = await SparseOverlay.StartAsync(mesh, realm);
        var provider = nodes[nodes.Count / 2];
        await (await provider.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument))).WaitUntilPublishedAsync();
        await using var asker = await RawMember.StartAsync(mesh, realm);
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

        // What is claimed is shown; two hundred good-byes would take as long again.
        nodes.ForEach(mesh.Abandon);
    });
}
