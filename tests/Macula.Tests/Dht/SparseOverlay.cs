using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula.Tests.Dht;

/// <summary>A realm of two hundred servers, larger than anybody's routing table: started once, for tests that add to it and wait for nothing else.</summary>
/// <remarks>Its time goes on from one test to the next: a test repeats when those before it run as well.</remarks>
public sealed class SparseOverlay
{
    private const ulong Seed = 200;
    private const int Nodes = 200;

    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    private readonly SimulatedMesh _mesh = new(Seed);
    private readonly List<MaculaPeer> _nodes = [];

    /// <summary>Starts the nodes, and waits until all have joined. Nobody stops them, nor those that tests add: while good-byes are said, two hundred nodes go on filling their buckets, which costs more than all that is shown.</summary>
    public SparseOverlay() => _mesh.World.Run(async () => await StartAsync(), Limit);

    /// <summary>Runs a test in the realm, whose time goes on from where the one before has left it.</summary>
    public void Run(Func<SimulatedMesh, TestRealm, IReadOnlyList<MaculaPeer>, Task> body) => _mesh.World.Run(async () => await body(_mesh, _mesh.Realm!, _nodes), Limit);

    private async Task StartAsync()
    {
        // What two hundred nodes log would be most of the test's memory.
        var silent = static (Func<MaculaPeerOptions, MaculaPeerOptions> before) => (MaculaPeerOptions options) => before(options) with { LoggerFactory = NullLoggerFactory.Instance };
        var realm = _mesh.Found("tenant-a");
        _nodes.Add(await _mesh.StartAsync(realm, "node-0", silent(DhtMember.Server())));
        for (var number = 1; number < Nodes; number++)
        {
            _nodes.Add(await _mesh.StartAsync(realm, $"node-{number}", silent(DhtMember.Server(_nodes[0]))));
        }

        await Task.WhenAll(_nodes.Skip(1).Select(node => node.WaitUntilJoinedAsync().AsTask()));
    }
}
