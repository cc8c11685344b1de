using System.Net;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Microsoft.Extensions.Logging;

namespace Macula.Tests.Dht;

/// <summary>Bootstraps that are given by name, are gone, or refuse, in virtual time: [KAD-20].</summary>
public sealed class BootstrapTests
{
    private const int JoinFailed = 1201;
    private const string Name = "bootstraps.example";

    private static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(500);
    private static readonly string InClientMode = ErrorCodes.Describe(ErrorCode.InClientMode).Meaning;

    [Fact]
    public void ABootstrapInClientModeIsNamedByWhoeverCannotJoinThroughIt() => SimulatedRun.Run(1, async mesh => // [KAD-20] [KAD-1]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Client());
        var client = await mesh.StartAsync(realm, "client", DhtMember.Client(boot));
        var server = await mesh.StartAsync(realm, "server", DhtMember.Server(boot));

        var failure = await FailsAsync(client);
        await FailsAsync(server);

        Assert.Equal((ErrorCode.Unreachable, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.Contains($"{boot.LocalEndPoint}: {InClientMode}", failure.Message, StringComparison.Ordinal);
        var told = mesh.Log.Lines.Where(line => line.Event.Id == JoinFailed && line.Message.Contains($"{boot.LocalEndPoint}: {InClientMode}", StringComparison.Ordinal)).ToList();
        Assert.All(told, line => Assert.Equal(LogLevel.Warning, line.Level));
        Assert.Equal(2, told.Count);

        // Neither is in, however long it tries.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5), mesh.Time);
        await Task.WhenAll(new[] { client, server }.Select(node => Assert.ThrowsAnyAsync<OperationCanceledException>(() => node.WaitUntilJoinedAsync(patience.Token).AsTask())));
    });

    [Fact]
    public void ABootstrapInClientModeKeepsNobodyFromTheOthers() => SimulatedRun.Run(2, async mesh => // [KAD-20] [KAD-1]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var wrong = await mesh.StartAsync(realm, "wrong", DhtMember.Client(boot));
        await ProvideAsync(boot);
        var joiner = await mesh.StartAsync(realm, "joiner", DhtMember.Server(wrong, boot));

        await joiner.WaitUntilJoinedAsync();

        Assert.Equal(boot.Self.NodeId, (await joiner.CallAsync("echo", 1)).Provider.NodeId);
        Assert.DoesNotContain(mesh.Log.Lines, line => line.Event.Id == JoinFailed);
    });

    [Fact]
    public void AddressesOfANameThatLeadNowhereCostHalfASecondEach() => Run(3, async (mesh, realm, boot) => // [KAD-20]
    {
        mesh.Network.SetName(Name, [.. Nowhere(7), boot.LocalEndPoint.Address]);
        var joiner = await StartAsync(mesh, realm);

        await joiner.WaitUntilJoinedAsync();

        Assert.InRange(mesh.World.Elapsed, 7 * HeadStart, (7 * HeadStart) + (HeadStart / 2));
    });

    [Fact]
    public void AddressesOfANameThatRefuseCostNoWait() => Run(4, async (mesh, realm, boot) => // [KAD-20]
    {
        var strangers = new List<IPAddress>();
        for (var number = 0; number < 5; number++)
        {
            strangers.Add((await mesh.StartAsync(mesh.Found($"tenant-{number}"), "stranger")).LocalEndPoint.Address);
        }

        mesh.Network.SetName(Name, [.. strangers, boot.LocalEndPoint.Address]);
        var joiner = await StartAsync(mesh, realm);

        await joiner.WaitUntilJoinedAsync();

        Assert.InRange(mesh.World.Elapsed, TimeSpan.Zero, HeadStart);
    });

    [Fact]
    public void ANameWhoseAddressesAllLeadNowhereIsNamedAndTriedAgain() => Run(5, async (mesh, realm, boot) => // [KAD-20] [KAD-21]
    {
        mesh.Network.SetName(Name, [.. Nowhere(3)]);
        var joiner = await StartAsync(mesh, realm);

        var failure = await FailsAsync(joiner);

        Assert.Equal((ErrorCode.Unreachable, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.Contains($"{Name}:9443: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(mesh.Log.Lines, line => line.Event.Id == JoinFailed && line.Message.Contains($"{Name}:9443: ", StringComparison.Ordinal));

        // The name is asked for at each attempt: where it leads may have changed.
        mesh.Network.SetName(Name, [boot.LocalEndPoint.Address]);
        await joiner.WaitUntilJoinedAsync();
        Assert.Equal(boot.Self.NodeId, (await joiner.CallAsync("echo", 1)).Provider.NodeId);
    });

    [Fact]
    public void ANameThatNobodyKnowsIsNamedAndTriedAgain() => Run(6, async (mesh, realm, boot) => // [KAD-20] [KAD-21]
    {
        var joiner = await StartAsync(mesh, realm);

        var failure = await FailsAsync(joiner);

        Assert.Equal((ErrorCode.Unreachable, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.Contains($"{Name}:9443: {Name} has no address", failure.Message, StringComparison.Ordinal);

        mesh.Network.SetName(Name, [boot.LocalEndPoint.Address]);
        await joiner.WaitUntilJoinedAsync();
    });

    [Fact]
    public void OfManyAddressesEachAttemptTriesOthers() => Run(7, async (mesh, realm, boot) => // [KAD-20]
    {
        mesh.Network.SetName(Name, [.. Nowhere(20), boot.LocalEndPoint.Address, .. Nowhere(20)]);
        var joiner = await StartAsync(mesh, realm);

        await joiner.WaitUntilJoinedAsync();

        Assert.InRange(mesh.World.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Assert.InRange(joiner.TransportCounters.HandshakesCompleted, 1, 2);
    });

    private static IEnumerable<IPAddress> Nowhere(int count) => Enumerable.Range(1, count).Select(number => new IPAddress([10, 99, 0, (byte)number]));

    private static async Task<CallException> FailsAsync(MaculaPeer caller) =>
        await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 1, new CallOptions { Deadline = TimeSpan.FromMinutes(2) }).AsTask());

    private static async Task ProvideAsync(MaculaPeer provider) => await provider.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));

    private static Task<MaculaPeer> StartAsync(SimulatedMesh mesh, TestRealm realm) =>
        mesh.StartAsync(realm, "joiner", DhtMember.Client().With(static dht => dht with { Bootstraps = [BootstrapAddress.Parse($"{Name}:9443")] }));

    private static void Run(ulong seed, Func<SimulatedMesh, TestRealm, MaculaPeer, Task> body) => SimulatedRun.Run(seed, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        await ProvideAsync(boot);
        await body(mesh, realm, boot);
    });
}
