using System.Diagnostics;
using Macula.Connections;
using Macula.Rpc;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Simulated;

/// <summary>What applications and members may do to a node without ending it.</summary>
public sealed class RobustnessTests
{
    private const ulong Seed = 42;

    [Fact]
    public void WhatAnApplicationRegistersWithAHandlersTokenMayThrow() => Run(async (mesh, alice, bob) =>
    {
        await alice.AdvertiseAsync("slow", async (call, cancellationToken) =>
        {
            using var registration = cancellationToken.Register(() => throw new InvalidOperationException("a fault of the application's"));
            await Task.Delay(Timeout.InfiniteTimeSpan, mesh.Time, cancellationToken);
            return call.Argument;
        });
        using var giveUp = new CancellationTokenSource();
        var abandoned = bob.CallAsync("slow", 1, At(alice), giveUp.Token).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        giveUp.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);

        var late = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("slow", 1, At(alice) with { Deadline = TimeSpan.FromMilliseconds(100) }).AsTask());

        Assert.Equal(ErrorCode.DeadlineExceeded, late.Code);
        Assert.Equal(2, (await bob.CallAsync("echo", 2, At(alice))).Value.AsInt32());
        Assert.Contains(mesh.Log.Lines, line => line.Event.Id == 1100);
    });

    [Fact]
    public void AHandlerThatReturnsNullFailsItsCallAndNothingElse() => Run(async (_, alice, bob) => // [RPC-8]
    {
        await alice.AdvertiseAsync("null", static (_, _) => ValueTask.FromResult<Payload>(null!));

        var failure = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("null", 1, At(alice)).AsTask());

        Assert.Equal((ErrorCode.HandlerFailed, CallExecution.Started), (failure.Code, failure.Execution));
        Assert.Equal(2, (await bob.CallAsync("echo", 2, At(alice))).Value.AsInt32());
    });

    [Fact]
    public void ManyCallsInOneDirectionLeaveRoomForTheOther() => Run(async (mesh, alice, bob) => // [RPC-9]
    {
        await alice.AdvertiseAsync("slow", async (call, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), mesh.Time, cancellationToken);
            return call.Argument;
        });
        await bob.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
        await bob.CallAsync("echo", 1, At(alice));
        var calls = Enumerable.Range(0, 1_100).Select(number => bob.CallAsync("slow", number, At(alice) with { Deadline = TimeSpan.FromMinutes(1) }).AsTask()).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);

        Assert.Equal(5, (await alice.CallAsync("echo", 5, At(bob))).Value.AsInt32());
        await Task.WhenAll(calls);
    });

    [Fact]
    public void ACallThatComesOnAConnectionThatDrainsIsFinished() => Run(async (mesh, alice, _) => // [CON-6] [CON-8]
    {
        await alice.AdvertiseAsync("slow", async (call, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), mesh.Time, cancellationToken);
            return call.Argument;
        });
        await using var member = await RawMember.StartAsync(mesh, mesh.Realm!);
        var (first, _) = await member.EstablishAsync(alice.LocalEndPoint, instance: 1);
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        await member.EstablishAsync(alice.LocalEndPoint, instance: 2);

        var answer = await RawMember.ReadAnswerAsync(await RawMember.SendAsync(first, RawMember.Call("slow")));

        Assert.Equal(FrameType.Result, answer.Type);
        Assert.Equal((ulong)ErrorCode.DuplicateConnection, (await first.WaitForEndAsync()).Code);
    });

    [Fact]
    public void TwoConnectionsOfOneDiallerAreClosedByTheDiallerAlone() => Run(async (mesh, alice, _) => // [CON-7]
    {
        await using var member = await RawMember.StartAsync(mesh, mesh.Realm!);
        var (first, _) = await member.EstablishAsync(alice.LocalEndPoint);
        var (second, _) = await member.EstablishAsync(alice.LocalEndPoint);

        await Task.Delay(TimeSpan.FromSeconds(40), mesh.Time);

        foreach (var connection in new[] { first, second })
        {
            Assert.Equal(FrameType.Result, (await RawMember.ReadAnswerAsync(await RawMember.SendAsync(connection, RawMember.Call()))).Type);
        }
    });

    [Fact]
    public void AConnectionThatEndedBeforeItWasKeptIsNotKept() => Run(async (mesh, alice, _) => // [CON-11]
    {
        await using var member = await RawMember.StartAsync(mesh, mesh.Realm!);
        var connection = await member.DialAsync(alice.LocalEndPoint);
        await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync((byte[])[.. RawMember.Hello().Span, .. RawMember.Hello().Span]);
        await connection.WaitForEndAsync();

        // The member serves nothing, so a dial stays without an answer; a dead connection that was kept would be lost at once instead.
        var failure = await Assert.ThrowsAsync<CallException>(
            () => alice.CallAsync("echo", 1, new CallOptions { At = member.LocalEndPoint, Node = member.Identity.NodeId }).AsTask());

        Assert.Equal((ErrorCode.DeadlineExceeded, CallExecution.NotStarted), (failure.Code, failure.Execution));
    });

    [Fact]
    public void ACallersSpanGoesWithItsCall() => Run(async (_, alice, bob) =>
    {
        var traces = new List<ActivityTraceId>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Macula",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => ActivitySamplingResult.AllData,
            ActivityStarted = span => traces.Add(span.TraceId),
        };
        ActivitySource.AddActivityListener(listener);
        using var application = new Activity("application").Start();

        await bob.CallAsync("echo", 1, At(alice));

        Assert.Equal(2, traces.Count(trace => trace == application.TraceId));
    });

    [Fact]
    public void AWrongOptionIsNamedAtTheStart() => Run(async (mesh, _, _) =>
    {
        var wrong = new ConnectionOptions { ShutdownTimeout = TimeSpan.FromSeconds(-5) };

        var failure = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => mesh.StartAsync(mesh.Realm!, "carol", options => options with { Connections = wrong }));

        Assert.Contains(nameof(ConnectionOptions.ShutdownTimeout), failure.Message, StringComparison.Ordinal);
    });

    private static void Run(Func<Mesh, MaculaPeer, MaculaPeer, Task> body)
    {
        var mesh = new SimulatedMesh(Seed);
        mesh.World.Run(
            async () =>
            {
                await using (mesh)
                {
                    var realm = mesh.Found("tenant-a");
                    var alice = await mesh.StartAsync(realm, "alice");
                    await alice.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
                    var bob = await mesh.StartAsync(realm, "bob");
                    await body(mesh, alice, bob);
                    Assert.False(alice.WaitForStopAsync().IsCompleted, "The node has ended.");
                }
            },
            TimeSpan.FromHours(1));
    }

    private static CallOptions At(MaculaPeer peer) => new() { At = peer.LocalEndPoint, Node = peer.Self.NodeId };
}
