using Macula.Connections;
using Macula.Rpc;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Simulated;

/// <summary>How connections end in good order, in virtual time: docs/protocol/06-connection.md.</summary>
public sealed class DrainTests
{
    [Fact]
    public void AConnectionThatNoApplicationUsesClosesAfterSixtySeconds() => Run(1, async mesh => // [CON-16]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
        var end = connection.WaitForEndAsync().AsTask();

        await Task.Delay(TimeSpan.FromSeconds(59), mesh.Time);
        Assert.False(end.IsCompleted);
        await Task.Delay(TimeSpan.FromSeconds(6), mesh.Time);

        Assert.Equal((ulong)ErrorCode.NoError, (await end).Code);
        Assert.Equal(0, alice.TransportCounters.ConnectionsOpen);
    });

    [Fact]
    public void AConnectionThatAnApplicationHasUsedStays() => Run(2, async mesh => // [CON-16]
    {
        var (alice, bob) = await StartPairAsync(mesh);
        await CallAsync(alice, bob);

        await Task.Delay(TimeSpan.FromMinutes(10), mesh.Time);

        Assert.Equal((1, 1), (alice.TransportCounters.ConnectionsOpen, bob.TransportCounters.ConnectionsOpen));
    });

    [Fact]
    public void CallsThatRaceWithDrainsAllSucceedAndRunOnce() // [CON-8] [RPC-14]
    {
        for (var seed = 1UL; seed <= 40; seed++)
        {
            Run(seed, async mesh =>
            {
                var (alice, bob) = await StartPairAsync(mesh, limits => limits with { DhtIdleTimeout = TimeSpan.FromSeconds(1) });
                var (random, served) = (mesh.World.Random.Fork("pauses"), 0);
                foreach (var peer in new[] { alice, bob })
                {
                    await peer.AdvertiseAsync("count", async (call, stop) =>
                    {
                        await Task.Delay(TimeSpan.FromMilliseconds(random.NextUInt64() % 40), mesh.Time, stop);
                        served++;
                        return call.Argument;
                    });
                }

                await Task.WhenAll(Enumerable.Range(0, 200).Select(async number =>
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(random.NextUInt64() % 200), mesh.Time);
                    var (caller, provider) = number % 2 == 0 ? (alice, bob) : (bob, alice);
                    await caller.CallAsync("count", number, new CallOptions { At = provider.LocalEndPoint });
                }));

                Assert.Equal(200, served);
            });
        }
    }

    [Fact]
    public void AStoppingNodeLosesNoCallThatItServes() => Run(4, async mesh => // [CON-8] [RPC-11]
    {
        var (alice, bob) = await StartPairAsync(mesh);
        var random = mesh.World.Random.Fork("pauses");
        await CallAsync(alice, bob);
        var calls = Enumerable.Range(0, 200).Select(async _ =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextUInt64() % 400), mesh.Time);
            var failure = await Record.ExceptionAsync(() => CallAsync(alice, bob));
            return failure is null or CallException { Execution: CallExecution.NotStarted };
        }).ToArray();
        await Task.Delay(TimeSpan.FromMilliseconds(200), mesh.Time);

        await bob.DisposeAsync();

        Assert.All(await Task.WhenAll(calls), Assert.True);
    });

    private static async Task<(MaculaPeer Alice, MaculaPeer Bob)> StartPairAsync(Mesh mesh, Func<ConnectionOptions, ConnectionOptions>? limits = null)
    {
        var realm = mesh.Found("tenant-a");
        var connections = (limits ?? (same => same))(new ConnectionOptions());
        var alice = await mesh.StartAsync(realm, "alice", options => options with { Connections = connections });
        var bob = await mesh.StartAsync(realm, "bob", options => options with { Connections = connections });
        await bob.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
        return (alice, bob);
    }

    private static Task<CallReply> CallAsync(MaculaPeer caller, MaculaPeer provider) =>
        caller.CallAsync("echo", 1, new CallOptions { At = provider.LocalEndPoint }).AsTask();

    private static void Run(ulong seed, Func<SimulatedMesh, Task> body)
    {
        var mesh = new SimulatedMesh(seed);
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
