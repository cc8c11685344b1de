using Macula.Tests.Meshes;
using Macula.Transport.Execution;

namespace Macula.Tests.Calls;

/// <summary>The procedure <c>endless</c>, which answers nothing until it is stopped.</summary>
internal static class EndlessProcedure
{
    /// <summary>Has a node provide it.</summary>
    /// <param name="mesh">The node's mesh.</param>
    /// <param name="provider">The node.</param>
    /// <param name="started">Completes when a handler has begun; null when nobody asks.</param>
    /// <returns>Completes when a handler was stopped, by its deadline or because its caller gave up.</returns>
    public static async Task<Task<bool>> AdvertiseAsync(Mesh mesh, MaculaPeer provider, Completion<bool>? started = null)
    {
        var stopped = new Completion<bool>(mesh.Scheduler);
        await provider.AdvertiseAsync("endless", async (call, cancellationToken) =>
        {
            var forever = new Completion<bool>(mesh.Scheduler);
            started?.TrySetResult(true);
            try
            {
                await forever.CancelledBy(cancellationToken).Task;
            }
            catch (OperationCanceledException)
            {
                stopped.TrySetResult(true);
                throw;
            }

            return call.Argument;
        });
        return stopped.Task.AsTask();
    }
}
