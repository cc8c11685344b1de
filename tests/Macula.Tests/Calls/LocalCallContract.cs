using System.Runtime.InteropServices;
using Macula.Identity.Policy;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Dht;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.MessagePack;

namespace Macula.Tests.Calls;

/// <summary>What a call of a node to itself promises, whatever the transport is: docs/protocol/07-rpc.md [RPC-18] to [RPC-20].</summary>
public abstract class LocalCallContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    private const int RequestRefused = 1010;
    private const int HandlerFailed = 1100;
    private const int CallNotPermitted = 1101;

    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void ANodeWithoutANetworkCallsWhatItProvides() => Run(async (mesh, realm) => // [RPC-18] [RPC-19]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        await alice.AdvertiseAsync("who", static (call, _) => ValueTask.FromResult(Payload.FromValue($"{call.Caller.Name} {call.Caller.NodeId}")));

        var reply = await alice.CallAsync("who", MeshValue.Nil);

        Assert.Equal($"alice {alice.Self.NodeId}", reply.Value.AsString());
        Assert.Same(alice.Self, reply.Provider);
        Assert.Equal((new Carrier.Local(), "local", TimeSpan.Zero), ((Carrier.Local)reply.Path.Carrier, reply.Path.Carrier.ToString(), reply.Path.RoundTripTime));
        Assert.Equal(0, alice.TransportCounters.HandshakesCompleted);
    });

    [Fact]
    public void ANodeIsItsOwnNearestProviderUntilItWithdraws() => Run(async (mesh, realm) => // [RPC-18] [RPC-20]
    {
        var (boot, alice, bob) = await StartProvidersAsync(mesh, realm, Echo, Echo);
        await (await boot.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var advertisement = await alice.AdvertiseAsync("other", Echo);
        await (await bob.AdvertiseAsync("other", Echo)).WaitUntilPublishedAsync();
        await advertisement.WaitUntilPublishedAsync();

        for (var call = 0; call < 6; call++)
        {
            Assert.Equal(alice.Self.NodeId, (await alice.CallAsync("echo", call)).Provider.NodeId);
            Assert.Equal(alice.Self.NodeId, (await alice.CallAsync("other", call)).Provider.NodeId);
        }

        await advertisement.DisposeAsync();
        Assert.Equal(bob.Self.NodeId, (await alice.CallAsync("other", 7)).Provider.NodeId);
        Assert.Equal(alice.Self.NodeId, (await alice.CallAsync("echo", 7)).Provider.NodeId);
    });

    [Fact]
    public void WhatOnlyThisNodeProvidedHasNoProviderOnceItIsWithdrawn() => Run(async (mesh, realm) => // [RPC-20]
    {
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();
        await alice.CallAsync("echo", 7);

        await advertisement.DisposeAsync();

        await FailsAsync(ErrorCode.NoProvider, CallExecution.NotStarted, alice.CallAsync("echo", 7));
    });

    [Fact]
    public void ANodeThatIsNamedMustAnswerItself() => Run(async (mesh, realm) => // [RPC-18]
    {
        var (_, alice, bob) = await StartProvidersAsync(mesh, realm, Echo, Echo);
        await (await bob.AdvertiseAsync("bobs", Echo)).WaitUntilPublishedAsync();
        var itself = new CallOptions { Node = alice.Self.NodeId };

        Assert.Equal(alice.Self.NodeId, (await alice.CallAsync("echo", 7, itself)).Provider.NodeId);
        Assert.Equal("local", (await alice.CallAsync("echo", 7, itself with { At = alice.LocalEndPoint })).Path.Carrier.ToString());
        Assert.Equal(bob.Self.NodeId, (await alice.CallAsync("echo", 7, new CallOptions { Node = bob.Self.NodeId })).Provider.NodeId);
        Assert.Equal(bob.Self.NodeId, (await alice.CallAsync("echo", 7, new CallOptions { At = bob.LocalEndPoint })).Provider.NodeId);
        await FailsAsync(ErrorCode.NoSuchProcedure, CallExecution.NotStarted, alice.CallAsync("bobs", 7, itself));
    });

    [Fact]
    public void ABusyNodeCallsTheNextProvider() => Run(async (mesh, realm) => // [RPC-18] [RPC-19] [RPC-9]
    {
        var open = new Completion<bool>(mesh.Scheduler);
        var mayLeave = open.Task.AsTask();
        var inside = 0;
        CallHandler wait = async (call, _) =>
        {
            Interlocked.Increment(ref inside);
            await mayLeave;
            return call.Argument;
        };
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", options => DhtMember.Client(boot)(options) with { Connections = options.Connections with { MaxIncomingCalls = 2 } });
        await (await alice.AdvertiseAsync("wait", wait)).WaitUntilPublishedAsync();
        var running = new[] { alice.CallAsync("wait", 1).AsTask(), alice.CallAsync("wait", 2).AsTask() };
        await mesh.UntilAsync(() => Volatile.Read(ref inside) == running.Length);

        // Nobody else provides it: the failure is the busy node's own, which counts and tells it as those of other nodes' calls.
        using (var meter = new NodeMeter(alice))
        {
            await FailsAsync(ErrorCode.LimitExceeded, CallExecution.NotStarted, alice.CallAsync("wait", 3));
            Assert.Equal(1, meter.Count("macula.requests.refused", "LimitExceeded"));
            Assert.Contains(mesh.Log.Lines, line => line.Event.Id == RequestRefused && line.Message.Contains(alice.Self.NodeId.ToString(), StringComparison.Ordinal));
        }

        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        await (await bob.AdvertiseAsync("wait", Echo)).WaitUntilPublishedAsync();
        Assert.Equal(bob.Self.NodeId, (await alice.CallAsync("wait", 4)).Provider.NodeId);
        open.TrySetResult(true);

        Assert.All(await Task.WhenAll(running), reply => Assert.Equal(alice.Self.NodeId, reply.Provider.NodeId));
        Assert.Equal(alice.Self.NodeId, (await alice.CallAsync("wait", 5)).Provider.NodeId);
    });

    [Fact]
    public void WhatItsOwnHandlerHasBegunIsNotBegunElsewhere() => Run(async (mesh, realm) => // [RPC-18] [RPC-19] [RPC-8]
    {
        var elsewhere = 0;
        var (_, alice, _) = await StartProvidersAsync(mesh, realm, static (_, _) => throw new InvalidOperationException("the valve is stuck"), (call, _) =>
        {
            elsewhere++;
            return ValueTask.FromResult(call.Argument);
        });

        var failure = await FailsAsync(ErrorCode.HandlerFailed, CallExecution.Started, alice.CallAsync("echo", 7, new CallOptions { Repetition = CallRepetition.Idempotent }));

        Assert.Equal(("the valve is stuck", 0), (failure.Message, elsewhere));
        Assert.Contains(mesh.Log.Lines, line => line.Event.Id == HandlerFailed && line.Message.Contains(alice.Self.NodeId.ToString(), StringComparison.Ordinal));
    });

    [Fact]
    public void ItsOwnHandlersErrorsAreThoseOfARemoteOne() => Run(async (mesh, realm) => // [RPC-19] [RPC-8] [RPC-10]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        await alice.AdvertiseAsync("twice", static (call, _) => ValueTask.FromResult(Payload.FromValue(2 * call.Argument.ToValue().AsInt64())));
        await alice.AdvertiseAsync("big", static (_, _) => ValueTask.FromResult(Payload.FromBytes(new byte[Payload.MaxBytes + 1])));

        await FailsAsync(ErrorCode.InvalidArgument, CallExecution.Started, alice.CallAsync("twice", "no number"));
        await FailsAsync(ErrorCode.PayloadTooLarge, CallExecution.Started, alice.CallAsync("big", MeshValue.Nil));
    });

    [Fact]
    public void BothSidesOfACallToItselfNeedPermission() => Run(async (mesh, realm) => // [RPC-19] [RPC-6]
    {
        var handled = 0;
        CallHandler count = (call, _) =>
        {
            handled++;
            return ValueTask.FromResult(call.Argument);
        };
        realm.Authority.SignPolicy([new PolicyRule([PolicySubject.AnyMember], [MeshAction.Advertise], [NamePattern.Everything])]);
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        await alice.AdvertiseAsync("echo", count);
        var careless = await mesh.StartAsync(realm, "careless", options => DhtMember.Client()(options) with { OwnCertificate = OwnCertificateCheck.Skipped });
        await careless.AdvertiseAsync("echo", count);

        await FailsAsync(ErrorCode.NotPermitted, CallExecution.NotStarted, alice.CallAsync("echo", 7));
        Assert.DoesNotContain(mesh.Log.Lines, line => line.Event.Id == CallNotPermitted);
        await FailsAsync(ErrorCode.NotPermitted, CallExecution.NotStarted, careless.CallAsync("echo", 7));
        Assert.Contains(mesh.Log.Lines, line => line.Event.Id == CallNotPermitted);
        Assert.Equal(0, handled);
    });

    [Fact]
    public void TheDeadlineEndsACallToItselfAndStopsItsHandler() => Run(async (mesh, realm) => // [RPC-19] [RPC-2] [RPC-4]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        var stopped = await EndlessProcedure.AdvertiseAsync(mesh, alice);
        await FailsAsync(ErrorCode.NoSuchProcedure, CallExecution.NotStarted, alice.CallAsync("absent", MeshValue.Nil, new CallOptions { Node = alice.Self.NodeId }));

        // What was compiled for that is not for this one to wait for: its handler must have begun when its time is over.
        await FailsAsync(ErrorCode.DeadlineExceeded, execution: null, alice.CallAsync("endless", MeshValue.Nil, new CallOptions { Deadline = TimeSpan.FromSeconds(2) }));

        Assert.True(await stopped);
    });

    [Fact]
    public void GivingUpACallToItselfStopsItsHandler() => Run(async (mesh, realm) => // [RPC-19] [RPC-3]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        using var giveUp = new CancellationTokenSource();
        var started = new Completion<bool>(mesh.Scheduler);
        var stopped = await EndlessProcedure.AdvertiseAsync(mesh, alice, started);

        // A deadline beyond the runner's patience: it is not what stops the handler.
        var call = alice.CallAsync("endless", MeshValue.Nil, new CallOptions { Deadline = TimeSpan.FromHours(2) }, giveUp.Token).AsTask();
        await started.Task;
        giveUp.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.True(await stopped);
    });

    [Fact]
    public void CallerAndHandlerShareNoMemory() => Run(async (mesh, realm) => // [RPC-19] [RPC-10]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        var argument = new byte[Payload.MaxBytes];
        var result = new byte[Payload.MaxBytes];
        new Random(1).NextBytes(argument);
        byte[]? seen = null;
        await alice.AdvertiseAsync("mirror", (call, _) =>
        {
            seen = ArrayOf(call.Argument);
            call.Argument.Bytes.CopyTo(result);
            return ValueTask.FromResult(Payload.FromBytes(result));
        });

        var reply = await alice.CallAsync("mirror", Payload.FromBytes(argument));
        Array.Clear(result);

        Assert.True(reply.Payload.Bytes.Span.SequenceEqual(argument));
        Assert.NotSame(argument, seen);
        Assert.NotSame(result, ArrayOf(reply.Payload));
    });

    [Fact]
    public void CallsToItselfRunBesideEachOther() => Run(async (mesh, realm) => // [RPC-19] [RPC-1]
    {
        const int Calls = 100;
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
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

        var replies = await Task.WhenAll(Enumerable.Range(0, Calls).Select(number => alice.CallAsync("meet", number).AsTask()));

        Assert.Equal(Enumerable.Range(0, Calls), replies.Select(reply => reply.Value.AsInt32()));
    });

    [Fact]
    public void AHandlerMayCallItsOwnNode() => Run(async (mesh, realm) => // [RPC-19] [RPC-1]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        await alice.AdvertiseAsync("down", async (call, cancellationToken) =>
            call.Argument.ToValue().AsInt32() is > 0 and var depth ? (await alice.CallAsync("down", depth - 1, options: null, cancellationToken)).Payload : call.Argument);

        Assert.Equal(0, (await alice.CallAsync("down", 20)).Value.AsInt32());
    });

    [Fact]
    public void ShutdownLetsACallToItselfFinishAndRefusesNewOnes() => Run(async (mesh, realm) => // [RPC-19] [RPC-11]
    {
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client());
        var started = new Completion<bool>(mesh.Scheduler);
        var finish = new Completion<bool>(mesh.Scheduler);
        var mayFinish = finish.Task.AsTask();
        await alice.AdvertiseAsync("slow", async (call, _) =>
        {
            started.TrySetResult(true);
            await mayFinish;
            return call.Argument;
        });
        var running = alice.CallAsync("slow", 7).AsTask();
        await started.Task;

        var shutdown = alice.DisposeAsync().AsTask();
        await mesh.UntilFailsAsync(() => alice.CallAsync("slow", 8, new CallOptions { Deadline = TimeSpan.FromMilliseconds(50) }), ErrorCode.ShuttingDown);
        finish.TrySetResult(true);

        Assert.Equal(7, (await running).Value.AsInt32());
        await shutdown;
        await FailsAsync(ErrorCode.ShuttingDown, CallExecution.NotStarted, alice.CallAsync("slow", 9));
    });

    [Fact]
    public void ACallToItselfThatOutlastsTheShutdownIsLost() => Run(async (mesh, realm) => // [RPC-19] [RPC-11] [RPC-5]
    {
        var alice = await mesh.StartAsync(
            realm, "alice", options => DhtMember.Client()(options) with { Connections = options.Connections with { ShutdownTimeout = TimeSpan.FromMilliseconds(100) } });
        var started = new Completion<bool>(mesh.Scheduler);
        var stopped = await EndlessProcedure.AdvertiseAsync(mesh, alice, started);
        var running = alice.CallAsync("endless", MeshValue.Nil, new CallOptions { Deadline = TimeSpan.FromHours(1) });
        await started.Task;

        await alice.DisposeAsync();

        Assert.True(await stopped);
        await FailsAsync(ErrorCode.ConnectionLost, CallExecution.Unknown, running);
    });

    private static void Run(Func<Mesh, TestRealm, Task> body) => new TRunner().Run(mesh => body(mesh, mesh.Found("tenant-a")));

    private static async Task<CallException> FailsAsync(ErrorCode code, CallExecution? execution, ValueTask<CallReply> call)
    {
        var failure = await Assert.ThrowsAsync<CallException>(() => call.AsTask());
        Assert.Equal((code, execution ?? failure.Execution), (failure.Code, failure.Execution));
        return failure;
    }

    private static byte[] ArrayOf(Payload payload) => MemoryMarshal.TryGetArray(payload.Bytes, out var segment) ? segment.Array! : throw new InvalidOperationException("No array.");

    // Both provide "echo", and everybody can find them.
    private static async Task<(MaculaPeer Boot, MaculaPeer Alice, MaculaPeer Bob)> StartProvidersAsync(Mesh mesh, TestRealm realm, CallHandler alices, CallHandler bobs)
    {
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(boot));
        await (await alice.AdvertiseAsync("echo", alices)).WaitUntilPublishedAsync();
        await (await bob.AdvertiseAsync("echo", bobs)).WaitUntilPublishedAsync();
        return (boot, alice, bob);
    }
}

/// <summary>Calls of nodes to themselves on a simulated network.</summary>
public sealed class SimulatedLocalCalls : LocalCallContract<SimulatedRunner>;

/// <summary>Calls of nodes to themselves on the thread pool, with QUIC beside them.</summary>
public sealed class LoopbackLocalCalls : LocalCallContract<LoopbackRunner>;
