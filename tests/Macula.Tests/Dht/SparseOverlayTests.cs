using Macula.Tests.Hostile;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula.Tests.Dht;

/// <summary>Finding somebody in a realm that is larger than anybody's routing table.</summary>
public sealed class SparseOverlayTests
{
    private const int Nodes = 200;

    [Fact]
    public void ACallFindsItsProviderAmongTwoHundredNodesOfWhichTheCallerKnowsThree() => SimulatedRun.Run(200, async mesh => // [KAD-10] [KAD-20]
    {
        var realm = mesh.Found("tenant-a");

        // What two hundred nodes log would be most of the test's memory.
        var silent = static (Func<MaculaPeerOptions, MaculaPeerOptions> before) => (MaculaPeerOptions options) => before(options) with { LoggerFactory = NullLoggerFactory.Instance };
        var nodes = new List<MaculaPeer> { await mesh.StartAsync(realm, "node-0", silent(DhtMember.Server())) };
        for (var number = 1; number < Nodes; number++)
        {
            nodes.Add(await mesh.StartAsync(realm, $"node-{number}", silent(DhtMember.Server(nodes[0]))));
        }

        await Task.WhenAll(nodes.Skip(1).Select(node => node.WaitUntilJoinedAsync().AsTask()));
        var provider = nodes[Nodes / 2];
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
