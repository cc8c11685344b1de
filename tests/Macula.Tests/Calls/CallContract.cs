using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.MessagePack;

namespace Macula.Tests.Calls;

/// <summary>What a call by address promises, on every transport: docs/protocol/07-rpc.md.</summary>
public abstract class CallContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void ACallByAddressBringsBackTheResult() => Run(async (mesh, realm) => // [RPC-1]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("math.add", static (call, _) =>
        {
            var value = call.Argument.ToValue();
            return ValueTask.FromResult(Payload.FromValue(value["a"].AsInt64() + value["b"].AsInt64()));
        });

        var reply = await bob.CallAsync("math.add", MeshValue.Map(("a", 5), ("b", 3)), At(alice));

        Assert.Equal(8, reply.Value.AsInt64());
        Assert.Equal(alice.Self.NodeId, reply.Provider.NodeId);
        Assert.Equal($"direct {alice.LocalEndPoint}", reply.Path.Carrier.ToString());
    });

    [Fact]
    public void TheHandlerSeesWhoCallsAsTheCertificateProvesIt() => Run(async (mesh, realm) =>
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("who", static (call, _) => ValueTask.FromResult(Payload.FromValue($"{call.Caller.Name} {call.Caller.NodeId}")));

        var reply = await bob.CallAsync("who", MeshValue.Nil, At(alice));

        Assert.Equal($"bob {bob.Self.NodeId}", reply.Value.AsString());
    });

    [Fact]
    public void CallsRunBesideEachOtherOverOneConnection() => Run(async (mesh, realm) => // [RPC-1] [CON-5]
    {
        const int Calls = 100;
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        var inside = 0;
        var allInside = new Completion<bool>(mesh.Scheduler);
        var open = allInside.Task.AsTask();
        await alice.AdvertiseAsync("meet", async (call, _) =>
        {
            // Nobody leaves before everybody has come, so one call behind another would never end.
            if (Interlocked.Increment(ref inside) == Calls)
            {
                allInside.TrySetResult(true);
            }

            await open;
            return call.Argument;
        });

        var replies = await Task.WhenAll(Enumerable.Range(0, Calls).Select(number => bob.CallAsync("meet", number, At(alice)).AsTask()));

        Assert.Equal(Enumerable.Range(0, Calls), replies.Select(reply => reply.Value.AsInt32()));
        Assert.Equal(1, bob.TransportCounters.ConnectionsOpen);
        Assert.Equal(1, alice.TransportCounters.ConnectionsOpen);
    });

    [Fact]
    public void APayloadOfTheLargestSizeCrosses() => Run(async (mesh, realm) => // [RPC-10]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("echo", Echo);
        var bytes = new byte[Payload.MaxBytes];
        new Random(1).NextBytes(bytes);

        var reply = await bob.CallAsync("echo", Payload.FromBytes(bytes), At(alice));

        Assert.True(reply.Payload.Bytes.Span.SequenceEqual(bytes));
    });

    [Fact]
    public void AResultThatIsTooLargeIsAnErrorOfTheProvider() => Run(async (mesh, realm) => // [RPC-10]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("big", static (_, _) => ValueTask.FromResult(Payload.FromBytes(new byte[Payload.MaxBytes + 1])));

        await FailsAsync(ErrorCode.PayloadTooLarge, CallExecution.Started, bob.CallAsync("big", MeshValue.Nil, At(alice)));
    });

    [Fact]
    public void ANameThatNobodyAdvertisesIsRefusedUnstarted() => Run(async (mesh, realm) => // [RPC-7]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");

        await FailsAsync(ErrorCode.NoSuchProcedure, CallExecution.NotStarted, bob.CallAsync("echo", MeshValue.Nil, At(alice)));
    });

    [Fact]
    public void AWithdrawnProcedureIsGone() => Run(async (mesh, realm) => // [RPC-7]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await bob.CallAsync("echo", 1, At(alice));

        await advertisement.DisposeAsync();

        await FailsAsync(ErrorCode.NoSuchProcedure, CallExecution.NotStarted, bob.CallAsync("echo", 1, At(alice)));
    });

    [Fact]
    public void AHandlersMessageReachesTheCallerAndItsStackTraceDoesNot() => Run(async (mesh, realm) => // [RPC-8]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("fail", static (_, _) => throw new InvalidOperationException("the valve is stuck"));

        var failure = await FailsAsync(ErrorCode.HandlerFailed, CallExecution.Started, bob.CallAsync("fail", MeshValue.Nil, At(alice)));

        Assert.Equal("the valve is stuck", failure.Message);
    });

    [Fact]
    public void AHandlerCanRefuseItsArgument() => Run(async (mesh, realm) => // [RPC-8]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("twice", static (call, _) => ValueTask.FromResult(Payload.FromValue(2 * call.Argument.ToValue().AsInt64())));

        await FailsAsync(ErrorCode.InvalidArgument, CallExecution.Started, bob.CallAsync("twice", "no number", At(alice)));
    });

    [Fact]
    public void TheDeadlineEndsTheCallAndStopsTheHandler() => Run(async (mesh, realm) => // [RPC-2] [RPC-4]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        await alice.AdvertiseAsync("echo", Echo);
        await bob.CallAsync("echo", MeshValue.Nil, At(alice));
        var stopped = await EndlessProcedure.AdvertiseAsync(mesh, alice);

        await FailsAsync(
            ErrorCode.DeadlineExceeded, execution: null, bob.CallAsync("endless", MeshValue.Nil, At(alice) with { Deadline = TimeSpan.FromMilliseconds(200) }));
        Assert.True(await stopped);
    });

    [Fact]
    public void ACallerThatGivesUpStopsTheHandler() => Run(async (mesh, realm) => // [RPC-3]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        using var giveUp = new CancellationTokenSource();
        var started = new Completion<bool>(mesh.Scheduler);
        var stopped = await EndlessProcedure.AdvertiseAsync(mesh, alice, started);

        // A deadline beyond the runner's patience: it is not what stops the handler.
        var call = bob.CallAsync("endless", MeshValue.Nil, At(alice) with { Deadline = TimeSpan.FromHours(2) }, giveUp.Token).AsTask();
        await started.Task;
        giveUp.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.True(await stopped);
    });

    [Fact]
    public void NothingIsSentWhenThePolicyForbidsTheCall() => Run(async (mesh, realm) => // [RPC-6]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var handled = 0;
        await alice.AdvertiseAsync("secret.door", (call, _) =>
        {
            handled++;
            return ValueTask.FromResult(call.Argument);
        });
        realm.Authority.SignPolicy([]);
        var bob = await mesh.StartAsync(realm, "bob");

        await FailsAsync(ErrorCode.NotPermitted, CallExecution.NotStarted, bob.CallAsync("secret.door", MeshValue.Nil, At(alice)));
        Assert.Equal(0, handled);
        Assert.Equal(0, bob.TransportCounters.HandshakesCompleted);
    });

    [Fact]
    public void AProviderRefusesWhatItsPolicyForbidsBeforeItSaysWhatItProvides() => Run(async (mesh, realm) => // [RPC-6]
    {
        var bob = await mesh.StartAsync(realm, "bob");
        realm.Authority.SignPolicy([]);
        var alice = await mesh.StartAsync(realm, "alice");

        await FailsAsync(ErrorCode.NotPermitted, CallExecution.NotStarted, bob.CallAsync("not.even.there", MeshValue.Nil, At(alice)));
    });

    [Fact]
    public void AnAdvertisementNeedsPermission() => Run(async (mesh, realm) =>
    {
        realm.Authority.SignPolicy([]);
        var alice = await mesh.StartAsync(realm, "alice");

        var refusal = await Assert.ThrowsAsync<MaculaException>(async () => await alice.AdvertiseAsync("echo", Echo));
        Assert.Equal(ErrorCode.NotPermitted, refusal.Code);
    });

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("a..b")]
    [InlineData("schlüssel")]
    public void AnInvalidNameFailsAtTheCallSite(string name) => Run(async (mesh, realm) =>
    {
        var alice = await mesh.StartAsync(realm, "alice");

        await Assert.ThrowsAsync<ArgumentException>(async () => await alice.AdvertiseAsync(name, Echo));
        await Assert.ThrowsAsync<ArgumentException>(async () => await alice.CallAsync(name, MeshValue.Nil, At(alice)));
    });

    [Fact]
    public void ADeadlineOutOfRangeFailsAtTheCallSite() => Run(async (mesh, realm) => // [RPC-12]
    {
        var alice = await mesh.StartAsync(realm, "alice");

        foreach (var deadline in new[] { TimeSpan.Zero, TimeSpan.FromMilliseconds(0.5), TimeSpan.FromHours(25) })
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                async () => await alice.CallAsync("echo", MeshValue.Nil, At(alice) with { Deadline = deadline }));
        }
    });

    [Fact]
    public void AProcedureIsAdvertisedOnce() => Run(async (mesh, realm) =>
    {
        var alice = await mesh.StartAsync(realm, "alice");
        await alice.AdvertiseAsync("echo", Echo);

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await alice.AdvertiseAsync("echo", Echo));
    });

    [Fact]
    public void ShutdownLetsRunningCallsFinishAndRefusesNewOnes() => Run(async (mesh, realm) => // [RPC-11]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        var started = new Completion<bool>(mesh.Scheduler);
        var finish = new Completion<bool>(mesh.Scheduler);
        var mayFinish = finish.Task.AsTask();
        await alice.AdvertiseAsync("slow", async (call, _) =>
        {
            started.TrySetResult(true);
            await mayFinish;
            return call.Argument;
        });
        await alice.AdvertiseAsync("echo", Echo);
        var running = bob.CallAsync("slow", 7, At(alice)).AsTask();
        await started.Task;

        var shutdown = alice.DisposeAsync().AsTask();

        // A call that comes before the stop has begun is answered.
        await mesh.UntilFailsAsync(() => bob.CallAsync("echo", 1, At(alice)), ErrorCode.ShuttingDown);
        await FailsAsync(ErrorCode.ShuttingDown, CallExecution.NotStarted, bob.CallAsync("echo", 1, At(alice)));
        finish.TrySetResult(true);

        Assert.Equal(7, (await running).Value.AsInt32());
        await shutdown;
    });

    [Fact]
    public void AStoppingProviderFinishesCallsOnConnectionsThatOthersReplaced() => Run(async (mesh, realm) => // [RPC-11] [CON-8]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        using var credentials = realm.Issue("bob", mesh.WallNow);
        var first = await mesh.StartAsync(realm.File, credentials);
        var second = await mesh.StartAsync(realm.File, credentials);
        var started = new Completion<bool>(mesh.Scheduler);
        var finish = new Completion<bool>(mesh.Scheduler);
        var mayFinish = finish.Task.AsTask();
        await alice.AdvertiseAsync("slow", async (call, _) =>
        {
            started.TrySetResult(true);
            await mayFinish;
            return call.Argument;
        });
        await alice.AdvertiseAsync("echo", Echo);
        var running = first.CallAsync("slow", 7, At(alice)).AsTask();
        await started.Task;
        await second.CallAsync("echo", 1, At(alice));

        var shutdown = alice.DisposeAsync().AsTask();
        await mesh.UntilAsync(() => second.TransportCounters.ConnectionsOpen == 0);
        finish.TrySetResult(true);

        Assert.Equal(7, (await running).Value.AsInt32());
        await shutdown;
    });

    [Fact]
    public void ACallToNobodyFailsUnstarted() => Run(async (mesh, realm) => // [RPC-5]
    {
        var alice = await mesh.StartAsync(realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");
        var where = At(alice);
        await alice.DisposeAsync();

        await FailsAsync(
            execution: CallExecution.NotStarted, code: null, call: bob.CallAsync("echo", 1, where with { Deadline = TimeSpan.FromSeconds(2) }));
    });

    /// <summary>Runs the body in a mesh with a realm.</summary>
    protected static void Run(Func<Mesh, TestRealm, Task> body) => new TRunner().Run(mesh => body(mesh, mesh.Found("tenant-a")));

    /// <summary>Options of a call to this node.</summary>
    protected static CallOptions At(MaculaPeer peer) => new() { At = peer.LocalEndPoint, Node = peer.Self.NodeId };

    /// <summary>Sees a call fail; null takes any code or execution.</summary>
    protected static async Task<CallException> FailsAsync(ErrorCode? code, CallExecution? execution, ValueTask<CallReply> call)
    {
        var failure = await Assert.ThrowsAsync<CallException>(() => call.AsTask());
        Assert.Equal((code ?? failure.Code, execution ?? failure.Execution), (failure.Code, failure.Execution));
        return failure;
    }
}

/// <summary>Calls on a simulated network.</summary>
public sealed class SimulatedCalls : CallContract<SimulatedRunner>;

/// <summary>Calls over QUIC on loopback.</summary>
public sealed class LoopbackCalls : CallContract<LoopbackRunner>;
