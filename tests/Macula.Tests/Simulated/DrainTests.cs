using Macula.Connections;
using Macula.Rpc;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Transport;
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

    [Fact]
    public void AProcedureWhoseRecordCannotBePublishedIsNotProvided() => Run(9, async mesh => // [RPC-11]
    {
        var (alice, bob) = await StartPairAsync(mesh);
        await bob.AdvertiseAsync("slow", async (call, _) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(4), mesh.Time, CancellationToken.None);
            return call.Argument;
        });
        var running = alice.CallAsync("slow", 7, new CallOptions { At = bob.LocalEndPoint }).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        var stopping = bob.DisposeAsync();
        await Task.Delay(TimeSpan.FromSeconds(2.5), mesh.Time);

        // While the call runs on, the node publishes nothing any more; the name is as free as before.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var failure = await Assert.ThrowsAsync<MaculaException>(() => bob.AdvertiseAsync("late", static (call, _) => ValueTask.FromResult(call.Argument)).AsTask());
            Assert.Equal(ErrorCode.ShuttingDown, failure.Code);
        }

        Assert.Equal(7, (await running).Value.AsInt64());
        await stopping;
    });

    [Fact]
    public void ANodeThatDoesNotAnswerADrainHoldsUpTheEndOfOthersForThreeSeconds() => Run(5, async mesh => // [CON-8]
    {
        var realm = mesh.Found("tenant-a");
        var patient = new ConnectionOptions { ShutdownTimeout = TimeSpan.FromSeconds(30) };
        var alice = await mesh.StartAsync(realm, "alice", options => options with { Connections = patient });
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        var before = mesh.World.Elapsed;

        await alice.DisposeAsync();

        Assert.InRange(mesh.World.Elapsed - before, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3.1));
        Assert.Equal((ulong)ErrorCode.ShuttingDown, (await connection.WaitForEndAsync()).Code);
    });

    [Fact]
    public void ADrainThatComesBeforeTheVerdictIsObeyed() => Run(7, async mesh => // [CON-8] [CON-3]
    {
        var realm = mesh.Found("tenant-a");
        HeldComputations? verdicts = null;
        var alice = await mesh.StartAsync(realm, "alice", options =>
        {
            verdicts = new HeldComputations(options.Scheduler!);
            return options with { Scheduler = verdicts, Transport = verdicts.Beneath(options.Transport!) };
        });
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync((byte[])[.. RawMember.Hello().Span, .. RawMember.Drain(DrainState.Finished).Span]);
        var hello = connection.AcceptStreamAsync().AsTask();

        // Long enough for both frames to have arrived; alice says nothing before her verdict, and ends nothing.
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        Assert.False(hello.IsCompleted);
        verdicts!.Release();

        Assert.Equal((ulong)ErrorCode.DuplicateConnection, (await connection.WaitForEndAsync()).Code);
    });

    [Fact]
    public void AConnectionThatComesUpWhileTheOneBeforeDrainsStays() => Run(8, async mesh => // [CON-5] [CON-8]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var serving = mallory.ServeAsync(_ => RawMember.Bytes(new ErrorFrame(ErrorCode.NoSuchProcedure, "", CallExecution.NotStarted).Write));
        var (_, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        Func<Task> call = async () => await Assert.ThrowsAsync<CallException>(() => alice.CallAsync("echo", 7, new CallOptions { At = mallory.LocalEndPoint }).AsTask());

        // By address, at which alice has not dialled anybody; the drain is there before the handshake has ended.
        var first = call();
        await control.WriteAsync(RawMember.Drain(DrainState.Finishing));
        await first;
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        await call();

        Assert.Equal(2, alice.TransportCounters.HandshakesCompleted);
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void AnAddressThatWasDialledLeadsToTheConnectionThatStays() => Run(6, async mesh => // [CON-5]
    {
        var realm = mesh.Found("tenant-a");
        var pair = new[] { await mesh.StartAsync(realm, "alice"), await mesh.StartAsync(realm, "bob") };
        var (low, high) = pair[0].Self.NodeId < pair[1].Self.NodeId ? (pair[0], pair[1]) : (pair[1], pair[0]);
        foreach (var peer in pair)
        {
            await peer.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
        }

        // By address alone, so that the lower one dials although the higher one has dialled it.
        await CallAsync(high, low);
        await CallAsync(low, high);
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        Assert.Equal((1, 2), (high.TransportCounters.ConnectionsOpen, high.TransportCounters.HandshakesCompleted));

        await CallAsync(high, low);
        await CallAsync(low, high);

        Assert.Equal(2, high.TransportCounters.HandshakesCompleted);
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
