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
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public void Run(Func<Mesh, Task> body)
    {
        var mesh = new LoopbackMesh();
        try
        {
            RunAsync(mesh, body).WaitAsync(Limit).GetAwaiter().GetResult();
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The test hung. The nodes had said:\n{string.Join('\n', mesh.Log.Lines.Select(line => $"{line.Event.Id} {line.Message}"))}");
        }
    }

    private static async Task RunAsync(LoopbackMesh mesh, Func<Mesh, Task> body)
    {
        await Task.Yield();
        await using (mesh)
        {
            await body(mesh);
        }
    }
}
