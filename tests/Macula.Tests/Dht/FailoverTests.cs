using System.Net;
using Macula.Rpc;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Tests.Dht;

/// <summary>What a call by name does when a provider fails it, in virtual time.</summary>
public sealed class FailoverTests
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void AProviderThatIsGoneCostsNoCallThatHasNotStarted() => SimulatedRun.Run(1, async mesh => // [RPC-15]
    {
        // Both stand in the DHT, and one of them was killed before anybody was connected to it.
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var dead = await StartProviderAsync(mesh, boot, "dead", Echo);
        mesh.LastHost.Crash();
        mesh.Abandon(dead);
        var alive = await StartProviderAsync(mesh, boot, "alive", Echo);
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));

        for (var call = 0; call < 4; call++)
        {
            Assert.Equal(alive.Self.NodeId, (await caller.CallAsync("echo", 7)).Provider.NodeId);
        }
    });

    [Fact]
    public void AProviderThatRefusesBeforeItBeginsIsFollowedByTheNext() => SimulatedRun.Run(2, async mesh => // [RPC-15] [RPC-7]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var good = await StartProviderAsync(mesh, boot, "good", Echo);
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));

        // Its record stands, but it provides the procedure no longer.
        await using var former = await Hostile.RawMember.StartAsync(mesh, realm, "former");
        var refusals = 0;
        var serving = former.ServeAsync(request =>
        {
            refusals += request.Type == FrameType.Call ? 1 : 0;
            return Hostile.RawMember.Bytes(new ErrorFrame(ErrorCode.NoSuchProcedure, "", CallExecution.NotStarted).Write);
        });
        await RawProvider.PublishAsync(former, boot, mesh.WallNow);

        for (var call = 0; call < 4; call++)
        {
            Assert.Equal(good.Self.NodeId, (await caller.CallAsync("echo", 7)).Provider.NodeId);
        }

        Assert.NotEqual(0, refusals);
        await former.DisposeAsync();
        await serving;
    });

    [Fact]
    public void WhatAHandlerHasBegunIsNotBegunElsewhere() => SimulatedRun.Run(3, async mesh => // [RPC-15] [RPC-8]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var runs = 0;
        CallHandler failing = (_, _) =>
        {
            runs++;
            throw new InvalidOperationException("no");
        };
        await StartProviderAsync(mesh, boot, "first", failing);
        await StartProviderAsync(mesh, boot, "second", failing);
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));

        var failure = await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 7, new CallOptions { Repetition = CallRepetition.Idempotent }).AsTask());

        Assert.Equal((ErrorCode.HandlerFailed, CallExecution.Started, 1), (failure.Code, failure.Execution, runs));
    });

    [Fact]
    public void TheCallAfterAKilledProviderGoesToTheNextAtOnce() => SimulatedRun.Run(4, async mesh => // [RPC-16] [RPC-4]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var first = await StartProviderAsync(mesh, boot, "first", Echo);
        var host = mesh.LastHost;
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));
        await caller.CallAsync("echo", 7);
        host.Crash();
        mesh.Abandon(first);
        var failure = await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 7, new CallOptions { Deadline = TimeSpan.FromSeconds(2) }).AsTask());
        Assert.Equal((ErrorCode.DeadlineExceeded, CallExecution.Unknown), (failure.Code, failure.Execution));

        var second = await StartProviderAsync(mesh, boot, "second", Echo);
        for (var call = 0; call < 4; call++)
        {
            var before = mesh.World.Elapsed;
            Assert.Equal(second.Self.NodeId, (await caller.CallAsync("echo", 7)).Provider.NodeId);
            Assert.InRange(mesh.World.Elapsed - before, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }
    });

    [Fact]
    public void ACallTriesEightProvidersAtMost() => SimulatedRun.Run(5, async mesh => // [RPC-15] [RPC-18]
    {
        const int MostTried = 8;
        const int Providers = MostTried + 4;
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var refusals = 0;
        var serving = new List<Task>();
        for (var number = 0; number < Providers; number++)
        {
            var former = await Hostile.RawMember.StartAsync(mesh, realm, $"former-{number}");
            mesh.Keep(former);
            serving.Add(former.ServeAsync(request =>
            {
                refusals += request.Type == FrameType.Call ? 1 : 0;
                return Hostile.RawMember.Bytes(new ErrorFrame(ErrorCode.NoSuchProcedure, "", CallExecution.NotStarted).Write);
            }));
            await RawProvider.PublishAsync(former, boot, mesh.WallNow);
        }

        var caller = await mesh.StartAsync(realm, "caller", options => DhtMember.Client(boot)(options) with { Connections = options.Connections with { MaxIncomingCalls = 1 } });
        var failure = await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 7).AsTask());
        Assert.Equal((ErrorCode.NoSuchProcedure, CallExecution.NotStarted, MostTried), (failure.Code, failure.Execution, refusals));

        // A caller that provides it too, and is busy, is one of the eight itself.
        var isBusy = false;
        await caller.AdvertiseAsync("echo", async (call, cancellationToken) =>
        {
            isBusy = true;
            await Task.Delay(TimeSpan.FromSeconds(30), mesh.Time, cancellationToken);
            return call.Argument;
        });
        var running = caller.CallAsync("echo", 7, new CallOptions { Deadline = TimeSpan.FromMinutes(1) }).AsTask();
        await mesh.UntilAsync(() => isBusy);
        refusals = 0;
        await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 7).AsTask());
        Assert.Equal(MostTried - 1, refusals);
        await running;
    });

    [Theory]
    [InlineData(CallRepetition.AtMostOnce)]
    [InlineData(CallRepetition.Idempotent)]
    public void WhatMayHaveStartedIsRepeatedElsewhereOnlyIfItIsIdempotent(CallRepetition repetition) => SimulatedRun.Run(6, async mesh => // [RPC-15] [RPC-5]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var ran = new List<int>();
        var good = await StartProviderAsync(mesh, boot, "good", (call, _) =>
        {
            ran.Add(call.Argument.ToValue().AsInt32());
            return ValueTask.FromResult(call.Argument);
        });
        await using var broken = await Hostile.RawMember.StartAsync(mesh, realm, "broken");
        Task? closing = null;
        var serving = broken.ServeAsync(request =>
        {
            // The request has arrived, and the connection ends without an answer.
            closing = request.Type == FrameType.Call ? broken.DisposeAsync().AsTask() : closing;
            return null;
        });
        await RawProvider.PublishAsync(broken, boot, mesh.WallNow);
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));

        var number = 0;
        CallReply? reply = null;
        CallException? failure = null;
        while (closing is null)
        {
            number++;
            try
            {
                reply = await caller.CallAsync("echo", number, new CallOptions { Repetition = repetition });
            }
            catch (CallException exception)
            {
                failure = exception;
            }
        }

        if (repetition == CallRepetition.Idempotent)
        {
            Assert.Null(failure);
            Assert.Equal((good.Self.NodeId, number), (reply!.Provider.NodeId, reply.Value.AsInt32()));
            Assert.Contains(number, ran);
        }
        else
        {
            Assert.Equal((ErrorCode.ConnectionLost, CallExecution.Unknown), (failure!.Code, failure.Execution));
            Assert.DoesNotContain(number, ran);
        }

        await closing;
        await serving;
    });

    [Fact]
    public void AProviderWithoutAnAddressThatMayBeDialledIsNamedAndFollowedByTheNext() => SimulatedRun.Run(5, async mesh => // [KAD-4] [RPC-15]
    {
        // Its record names the loopback alone, which leads a caller to the caller's own machine.
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var hidden = await mesh.StartAsync(
            realm, "hidden", DhtMember.Client(boot).With(static dht => dht with { Addresses = [NodeAddress.From(new IPEndPoint(IPAddress.Loopback, 9443))] }));
        await (await hidden.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));

        var failure = await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 7).AsTask());

        Assert.Equal((ErrorCode.Unreachable, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.Equal($"{hidden.Self.NodeId.ToShortString()} names no address that this node may dial.", failure.Message);
        var good = await StartProviderAsync(mesh, boot, "good", Echo);
        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        for (var call = 0; call < 4; call++)
        {
            Assert.Equal(good.Self.NodeId, (await caller.CallAsync("echo", 7)).Provider.NodeId);
        }
    });

    [Fact]
    public void AProviderWhoseConnectionGaveWayToAnotherKeepsItsTurn() => SimulatedRun.Run(5, async mesh => // [RPC-16] [CON-5]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        await StartProviderAsync(mesh, boot, "steady", Echo);
        var pair = new[] { await mesh.StartAsync(realm, "one", DhtMember.Client(boot)), await mesh.StartAsync(realm, "two", DhtMember.Client(boot)) };

        // Of two connections the one stays that the lower id has dialled; the call is on the other one.
        var (slow, caller) = pair[0].Self.NodeId < pair[1].Self.NodeId ? (pair[0], pair[1]) : (pair[1], pair[0]);
        await (await slow.AdvertiseAsync("echo", SlowAtFirst(mesh.Time))).WaitUntilPublishedAsync();
        var unanswered = caller.CallAsync("echo", 7, new CallOptions { Node = slow.Self.NodeId, Deadline = TimeSpan.FromSeconds(2) }).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        await Assert.ThrowsAsync<CallException>(() => slow.CallAsync("nothing", 7, new CallOptions { At = caller.LocalEndPoint }).AsTask());
        await Assert.ThrowsAsync<CallException>(() => unanswered);

        await ExpectTurnsAsync(mesh, caller, 2);
    });

    [Fact]
    public void AProviderThatIsBackBeforeTheDeadlineKeepsItsTurn() => SimulatedRun.Run(6, async mesh => // [RPC-16]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        await StartProviderAsync(mesh, boot, "steady", Echo);
        using var credentials = realm.Issue("shaky", mesh.WallNow);
        var killed = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(boot));
        await (await killed.AdvertiseAsync("echo", SlowAtFirst(mesh.Time))).WaitUntilPublishedAsync();
        var host = mesh.LastHost;
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));
        var unanswered = caller.CallAsync("echo", 7, new CallOptions { Node = killed.Self.NodeId, Deadline = TimeSpan.FromSeconds(5) }).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        host.Crash();
        mesh.Abandon(killed);
        var back = await mesh.StartAsync(realm.File, credentials, DhtMember.Client(boot));
        await (await back.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        await Assert.ThrowsAsync<CallException>(() => unanswered);

        // The connection to its former life leaves a PING unanswered, for as long as it may.
        await Task.Delay(TimeSpan.FromSeconds(3), mesh.Time);
        await ExpectTurnsAsync(mesh, caller, 2);
    });

    [Fact]
    public void TheConnectionThatGaveNoAnswerDrainsOnceAnotherOneDoes() => SimulatedRun.Run(8, async mesh => // [RPC-16] [CON-7]
    {
        var realm = mesh.Found("tenant-a");
        var provider = await mesh.StartAsync(realm, "provider", DhtMember.Server());
        await provider.AdvertiseAsync("echo", SlowAtFirst(mesh.Time));
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(provider));
        await caller.WaitUntilJoinedAsync();
        var unanswered = caller.CallAsync("echo", 7, new CallOptions { Node = provider.Self.NodeId, Deadline = TimeSpan.FromSeconds(2) }).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);

        // The call ends, and the PING on its connection; while another one is dialled, the provider is there again.
        mesh.Network.Partition([mesh.Network.Hosts[0]], [mesh.Network.Hosts[1]]);
        await Task.Delay(TimeSpan.FromSeconds(4), mesh.Time);
        mesh.Network.Heal();
        await Assert.ThrowsAsync<CallException>(() => unanswered);
        await mesh.UntilAsync(() => caller.TransportCounters.HandshakesCompleted == 2);

        await Task.Delay(TimeSpan.FromMinutes(1), mesh.Time);
        Assert.Equal((1, 1), (caller.TransportCounters.ConnectionsOpen, provider.TransportCounters.ConnectionsOpen));
        Assert.Equal(7, (await caller.CallAsync("echo", 7)).Value.AsInt32());
    });

    [Fact]
    public void CallsThatGetNoAnswerTogetherShareAProbe() => SimulatedRun.Run(9, async mesh => // [RPC-16]
    {
        var realm = mesh.Found("tenant-a");
        var provider = await mesh.StartAsync(realm, "provider", DhtMember.Server());
        await provider.AdvertiseAsync("endless", async (call, stop) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, mesh.Time, stop);
            return call.Argument;
        });
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(provider));
        await caller.WaitUntilJoinedAsync();
        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        using var meter = new NodeMeter(provider);
        for (var round = 1; round <= 2; round++)
        {
            var options = new CallOptions { Node = provider.Self.NodeId, Deadline = TimeSpan.FromSeconds(1) };
            await Task.WhenAll(Enumerable.Range(0, 20).Select(number => Assert.ThrowsAsync<CallException>(() => caller.CallAsync("endless", number, options).AsTask())));
            await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);

            // The calls of the next round ask anew.
            Assert.Equal(round, meter.Count("macula.dht.requests", nameof(FrameType.Ping)));
        }
    });

    [Fact]
    public void ThePauseBeforeTheNextProviderEndsWithTheCall() => SimulatedRun.Run(7, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        await StartProviderAsync(mesh, boot, "first", Echo);
        await StartProviderAsync(mesh, boot, "second", Echo);
        var caller = await mesh.StartAsync(realm, "caller", DhtMember.Client(boot));
        var host = mesh.LastHost;

        await caller.CallAsync("echo", 7);
        await caller.DisposeAsync();

        Assert.Equal(0, host.Scheduler.TimersSet);
    });

    // The first call is never answered.
    private static CallHandler SlowAtFirst(TimeProvider time)
    {
        var calls = 0;
        return async (call, stop) =>
        {
            if (calls++ == 0)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
            }

            return call.Argument;
        };
    }

    private static async Task ExpectTurnsAsync(SimulatedMesh mesh, MaculaPeer caller, int providers)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (var call = 0; call < 2 * providers; call++)
        {
            seen.Add((await caller.CallAsync("echo", 7)).Provider.NodeId.ToString());
        }

        Assert.Equal(providers, seen.Count);
    }

    private static async Task<MaculaPeer> StartProviderAsync(SimulatedMesh mesh, MaculaPeer boot, string name, CallHandler handler)
    {
        var provider = await mesh.StartAsync(mesh.Realm!, name, DhtMember.Client(boot));
        await (await provider.AdvertiseAsync("echo", handler)).WaitUntilPublishedAsync();
        return provider;
    }
}
