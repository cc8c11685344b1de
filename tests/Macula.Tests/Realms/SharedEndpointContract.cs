using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Tests.Realms;

/// <summary>Nodes of several realms on one endpoint, on every transport: they share an address and nothing else.</summary>
public abstract class SharedEndpointContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    [Fact]
    public void CallsStayWithinTheirRealm() => Run(async (mesh, stage) => // [CON-1]
    {
        await stage.NodeA.AdvertiseAsync("only.in.a", static (call, _) => ValueTask.FromResult(call.Argument));
        var alice = await mesh.StartAsync(stage.RealmA, "alice");
        var bob = await mesh.StartAsync(stage.RealmB, "bob");

        var fromA = await CallAsync(alice, stage, "whose");
        var fromB = await CallAsync(bob, stage, "whose");
        var foreign = await Assert.ThrowsAsync<CallException>(() => CallAsync(bob, stage, "only.in.a"));

        Assert.Equal(("a", stage.NodeA.Self.NodeId), (fromA.Value.AsString(), fromA.Provider.NodeId));
        Assert.Equal(("b", stage.NodeB.Self.NodeId), (fromB.Value.AsString(), fromB.Provider.NodeId));
        Assert.Equal(ErrorCode.NoSuchProcedure, foreign.Code);
        Assert.Equal((stage.Endpoint.LocalEndPoint, stage.Endpoint.LocalEndPoint), (stage.NodeA.LocalEndPoint, stage.NodeB.LocalEndPoint));
    });

    [Fact]
    public void ANodeOfOneRealmThatDialsTheOtherIsRefusedAndHearsNothingElse() => Run(async (mesh, stage) => // [CON-2] [CON-9]
    {
        using var foreign = stage.RealmB.Issue("mallory", mesh.WallNow);
        await using var endpoint = await mesh.NextTransport(out var address).BindAsync(new EndpointOptions { LocalEndPoint = address }, mesh.Scheduler);
        var identity = new TlsIdentity(stage.RealmA.File.Id.ToServerName(), [foreign.Certificate.Der], foreign.Key.ExportPkcs8());

        var connection = await endpoint.DialAsync(stage.Endpoint.LocalEndPoint, identity);
        var end = await connection.WaitForEndAsync();

        Assert.Equal(
            new ConnectionEnd(ConnectionEndOrigin.Remote, (ulong)ErrorCode.CertificateWrongRealm, ErrorCodes.Describe(ErrorCode.CertificateWrongRealm).Meaning),
            end);
        Assert.Equal([stage.NodeA.Self.CertificateHash], connection.PeerCertificates.Select(der => CertificateHash.Compute(der.Span)));
        Assert.Null(await AcceptStreamAfterEndAsync(connection));
        Assert.DoesNotContain(mesh.Log.Lines, line => line.Event.Id == 1001);
    });

    [Fact]
    public void APeerWithTheRealmFileOfAnotherRealmGetsNoFurther() => Run(async (mesh, stage) => // [CON-9]
    {
        using var foreign = stage.RealmB.Issue("mallory", mesh.WallNow);
        var mallory = await mesh.StartAsync(stage.RealmA.File, foreign, options => options with { OwnCertificate = OwnCertificateCheck.Skipped });

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(mallory, stage, "whose"));

        Assert.Equal((ErrorCode.CertificateWrongRealm, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.EndsWith($"refused this node: {ErrorCodes.Describe(ErrorCode.CertificateWrongRealm).Meaning}", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void AWithdrawnRealmLooksAsIfItHadNeverBeenServedWhileTheOtherGoesOn() => Run(async (mesh, stage) => // [TRN-2]
    {
        var alice = await mesh.StartAsync(stage.RealmA, "alice");
        var bob = await mesh.StartAsync(stage.RealmB, "bob");
        var stranger = await mesh.StartAsync(mesh.Found("tenant-c"), "stranger");
        await CallAsync(alice, stage, "whose");
        await CallAsync(bob, stage, "whose");
        Assert.Equal(2, stage.Endpoint.Counters.ConnectionsOpen);

        await stage.NodeA.DisposeAsync();
        await mesh.UntilAsync(() => stage.Endpoint.Counters.ConnectionsOpen == 1 && alice.TransportCounters.ConnectionsOpen == 0);
        var handshakes = stage.Endpoint.Counters.HandshakesCompleted;
        var withdrawn = await Assert.ThrowsAsync<CallException>(() => CallAsync(alice, stage, "whose"));
        var never = await Assert.ThrowsAsync<CallException>(() => CallAsync(stranger, stage, "whose"));

        Assert.Equal((ErrorCode.RealmNotServed, CallExecution.NotStarted), (withdrawn.Code, withdrawn.Execution));
        Assert.Equal(WithoutRealm(never, stranger), WithoutRealm(withdrawn, alice));
        Assert.Equal("b", (await CallAsync(bob, stage, "whose")).Value.AsString());
        Assert.Equal(handshakes, stage.Endpoint.Counters.HandshakesCompleted);

        await ProvideAsync(await mesh.StartAsync(stage.Endpoint, stage.RealmA, "second"), "a again");
        Assert.Equal("a again", (await CallAsync(alice, stage, "whose")).Value.AsString());
    });

    [Fact]
    public void ANodeThatLeavesASharedEndpointClosesConnectionsThatAreNotUpYet() => Run(async (mesh, stage) =>
    {
        await using var silent = await Hostile.RawMember.StartAsync(mesh, stage.RealmA);
        var connection = await silent.DialAsync(stage.Endpoint.LocalEndPoint);
        Assert.NotNull(await connection.AcceptStreamAsync());

        await stage.NodeA.DisposeAsync();

        Assert.Equal((ConnectionEndOrigin.Remote, (ulong)ErrorCode.ShuttingDown), await EndOfAsync(connection));
    });

    [Fact]
    public void AFaultInOneRealmEndsItsNodeAndNoOther() => Run(async (mesh, stage) =>
    {
        var faulty = mesh.Found("tenant-c");
        var node = await mesh.StartAsync(stage.Endpoint, faulty, "faulty", options => options with { LoggerFactory = new FailingLog(mesh.Log, "carol") });
        var carol = await mesh.StartAsync(faulty, "carol");
        var bob = await mesh.StartAsync(stage.RealmB, "bob");
        await CallAsync(bob, stage, "whose");

        await Assert.ThrowsAsync<CallException>(() => CallAsync(carol, stage, "whose"));
        var fault = await Assert.ThrowsAsync<MaculaException>(() => node.WaitForStopAsync());
        await mesh.UntilAsync(() => stage.Endpoint.Counters.ConnectionsOpen == 1);
        var after = await Assert.ThrowsAsync<CallException>(() => CallAsync(carol, stage, "whose"));

        Assert.Equal("a fault that a test has planted", fault.InnerException!.Message);
        Assert.Equal(ErrorCode.RealmNotServed, after.Code);
        Assert.Equal("b", (await CallAsync(bob, stage, "whose")).Value.AsString());
        Assert.Equal(2, stage.Endpoint.Counters.HandshakesCompleted);
        Assert.All((Task[])[stage.NodeA.WaitForStopAsync(), stage.NodeB.WaitForStopAsync(), stage.Endpoint.WaitForStopAsync()], task => Assert.False(task.IsCompleted));
    });

    [Fact]
    public void AFaultOfTheEndpointEndsEveryNodeOnIt() => Run(async (mesh, _) =>
    {
        var transport = default(DeafTransport);
        var endpoint = await mesh.BindAsync(inner => transport = new DeafTransport(inner, mesh.Scheduler));
        var node = await mesh.StartAsync(endpoint, mesh.Found("tenant-c"), "node");

        transport!.Fail();

        Assert.Equal("deaf", (await Assert.ThrowsAsync<MaculaException>(() => endpoint.WaitForStopAsync())).InnerException!.Message);
        Assert.Equal("deaf", (await Assert.ThrowsAsync<MaculaException>(() => node.WaitForStopAsync())).InnerException!.Message);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => mesh.StartAsync(endpoint, mesh.Found("tenant-d"), "late"));
    });

    [Fact]
    public void ARealmIsServedOnceOnAnEndpoint() => Run(async (mesh, stage) =>
    {
        var twice = await Assert.ThrowsAsync<RealmAlreadyServedException>(() => mesh.StartAsync(stage.Endpoint, stage.RealmA, "second"));

        Assert.Equal(stage.RealmA.File.Id, twice.Realm);
        Assert.Contains("endpoint of its own", twice.Message, StringComparison.Ordinal);
        Assert.Equal("a", (await CallAsync(await mesh.StartAsync(stage.RealmA, "alice"), stage, "whose")).Value.AsString());
    });

    [Fact]
    public void AnEndpointThatIsClosedStopsItsNodesFirst() => Run(async (mesh, stage) => // [RPC-11]
    {
        var entered = new Transport.Execution.Completion<bool>(mesh.Scheduler);
        await stage.NodeA.AdvertiseAsync("slow", async (call, cancellationToken) =>
        {
            entered.TrySetResult(true);
            await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time, cancellationToken);
            return call.Argument;
        });
        var alice = await mesh.StartAsync(stage.RealmA, "alice");
        var slow = CallAsync(alice, stage, "slow");
        await entered.Task;

        await stage.Endpoint.DisposeAsync();

        Assert.Equal(1, (await slow).Value.AsInt32());
        await Task.WhenAll(stage.NodeA.WaitForStopAsync(), stage.NodeB.WaitForStopAsync(), stage.Endpoint.WaitForStopAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => mesh.StartAsync(stage.Endpoint, stage.RealmA, "late"));
    });

    [Fact]
    public void AStartThatNamesNoEndpointOrTwoSaysWhatToDo() => Run(async (mesh, stage) =>
    {
        var transport = mesh.NextTransport(out _);

        await FailsAsync("SharedEndpoint", options => options with { SharedEndpoint = null });
        await FailsAsync("not both", options => options with { Transport = transport });
        await FailsAsync("Scheduler", options => options with { Scheduler = new Transport.Execution.ThreadPoolScheduler(mesh.Time) });
        await FailsAsync("Endpoint out", options => options with { Endpoint = new EndpointOptions { MaxConnections = 1 } });

        async Task FailsAsync(string advice, Func<MaculaPeerOptions, MaculaPeerOptions> configure)
        {
            var wrong = await Assert.ThrowsAsync<ArgumentException>(() => mesh.StartAsync(stage.Endpoint, mesh.Found("tenant-c"), "carol", configure));
            Assert.Contains(advice, wrong.Message, StringComparison.Ordinal);
        }
    });

    private static void Run(Func<Mesh, Stage, Task> body) => new TRunner().Run(async mesh => await body(mesh, await Stage.SetAsync(mesh)));

    private static Task<CallReply> CallAsync(MaculaPeer caller, Stage stage, string procedure) =>
        caller.CallAsync(procedure, 1, new CallOptions { At = stage.Endpoint.LocalEndPoint }).AsTask();

    private static async Task ProvideAsync(MaculaPeer node, string answer) =>
        await node.AdvertiseAsync("whose", (_, _) => ValueTask.FromResult(Payload.FromValue(answer)));

    private static string WithoutRealm(CallException failure, MaculaPeer caller) =>
        failure.Message.Replace(caller.Self.RealmId.ToServerName(), "", StringComparison.Ordinal);

    private static async Task<TransportStream?> AcceptStreamAfterEndAsync(TransportConnection connection)
    {
        try
        {
            return await connection.AcceptStreamAsync();
        }
        catch (ConnectionClosedException)
        {
            return null;
        }
    }

    private static async Task<(ConnectionEndOrigin Origin, ulong Code)> EndOfAsync(TransportConnection connection)
    {
        var end = await connection.WaitForEndAsync();
        return (end.Origin, end.Code);
    }

    /// <summary>One endpoint with a node of each of two realms, which answer the same call.</summary>
    private sealed record Stage(MeshEndpoint Endpoint, TestRealm RealmA, TestRealm RealmB, MaculaPeer NodeA, MaculaPeer NodeB)
    {
        public static async Task<Stage> SetAsync(Mesh mesh)
        {
            var (realmA, realmB) = (mesh.Found("tenant-a"), mesh.Found("tenant-b"));
            var endpoint = await mesh.BindAsync();
            var stage = new Stage(endpoint, realmA, realmB, await mesh.StartAsync(endpoint, realmA, "node"), await mesh.StartAsync(endpoint, realmB, "node"));
            await ProvideAsync(stage.NodeA, "a");
            await ProvideAsync(stage.NodeB, "b");
            return stage;
        }
    }
}

/// <summary>Several realms at one address of a simulated network.</summary>
public sealed class SimulatedSharedEndpoints : SharedEndpointContract<SimulatedRunner>;

/// <summary>Several realms on one UDP port of loopback.</summary>
public sealed class LoopbackSharedEndpoints : SharedEndpointContract<LoopbackRunner>;
