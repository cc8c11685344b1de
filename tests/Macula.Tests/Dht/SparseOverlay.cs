using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula.Tests.Dht;

/// <summary>A realm of two hundred servers, larger than anybody's routing table.</summary>
internal static class SparseOverlay
{
    private const int Nodes = 200;

    /// <summary>Starts the nodes, and waits until all have joined.</summary>
    public static async Task<List<MaculaPeer>> StartAsync(SimulatedMesh mesh, TestRealm realm)
    {
        // What two hundred nodes log would be most of the test's memory.
        var silent = static (Func<MaculaPeerOptions, MaculaPeerOptions> before) => (MaculaPeerOptions options) => before(options) with { LoggerFactory = NullLoggerFactory.Instance };
        var nodes = new List<MaculaPeer> { await mesh.StartAsync(realm, "node-0", silent(DhtMember.Server())) };
        for (var number = 1; number < Nodes; number++)
        {
            nodes.Add(await mesh.StartAsync(realm, $"node-{number}", silent(DhtMember.Server(nodes[0]))));
        }

        await Task.WhenAll(nodes.Skip(1).Select(node => node.WaitUntilJoinedAsync().AsTask()));
        return nodes;
    }
}
