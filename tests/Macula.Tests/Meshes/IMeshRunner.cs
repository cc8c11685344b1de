namespace Macula.Tests.Meshes;

/// <summary>Runs the body of a test in a mesh of one kind.</summary>
public interface IMeshRunner
{
    /// <summary>Runs the body, stops the nodes, and fails when that takes too long.</summary>
    void Run(Func<Mesh, Task> body);
}

/// <summary>Runs in virtual time.</summary>
public sealed class SimulatedRunner : IMeshRunner
{
    private const ulong Seed = 20261121;

    public void Run(Func<Mesh, Task> body)
    {
        var mesh = new SimulatedMesh(Seed);
        mesh.World.Run(
            async () =>
            {
                await using (mesh)
                {
                    await body(mesh);
                }
            },
            TimeSpan.FromHours(1));
    }
}

/// <summary>Runs over real sockets.</summary>
public sealed class LoopbackRunner : IMeshRunner
{
    // Every wait in these tests ends by an event; the limit turns a hang into a failure.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public void Run(Func<Mesh, Task> body) => RunAsync(body).WaitAsync(Limit).GetAwaiter().GetResult();

    private static async Task RunAsync(Func<Mesh, Task> body)
    {
        await Task.Yield();
        await using var mesh = new LoopbackMesh();
        await body(mesh);
    }
}
