using Macula.Testing.Network;
using Macula.Tests.Meshes;

namespace Macula.Tests.Dht;

/// <summary>Runs a test in virtual time, from a seed of its own.</summary>
internal static class SimulatedRun
{
    /// <summary>Runs the body and stops the nodes; fails after a day of virtual time.</summary>
    public static void Run(ulong seed, Func<SimulatedMesh, Task> body, Link? link = null)
    {
        var mesh = new SimulatedMesh(seed, new SimulatedNetworkOptions { DefaultLink = link ?? new Link() });
        mesh.World.Run(
            async () =>
            {
                await using (mesh)
                {
                    await body(mesh);
                }
            },
            TimeSpan.FromDays(1));
    }
}
