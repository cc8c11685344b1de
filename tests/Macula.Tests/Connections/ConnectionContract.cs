using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Tests.Connections;

/// <summary>Who is let in and who is not, on every transport: docs/protocol/06-connection.md.</summary>
public abstract class ConnectionContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    [Fact]
    public void ANodeOfAnotherRealmIsRefusedWithAReasonOnBothSides() => Run(async mesh => // [CON-1] [CON-9]
    {
        var tenantA = mesh.Found("tenant-a");
        var tenantB = mesh.Found("tenant-b");
        var alice = await ServeAsync(mesh, tenantA, "alice");
        using var foreign = tenantB.Issue("mallory", mesh.WallNow);
        var mallory = await mesh.StartAsync(tenantA.File, foreign, options => options with { OwnCertificate = OwnCertificateCheck.Skipped });

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(mallory, alice));

        Assert.Equal((ErrorCode.CertificateWrongRealm, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.Contains("refused this node", failure.Message, StringComparison.Ordinal);
        Assert.Contains(mesh.Log.Lines, line => line.Event.Id == 1003 && line.Message.Contains("CertificateWrongRealm", StringComparison.Ordinal));
    });

    [Fact]
    public void ARefusalTellsTheOtherSideNothingButTheMeaningOfItsCode() => Run(async mesh => // [CON-9]
    {
        var tenantA = mesh.Found("tenant-a");
        var alice = await ServeAsync(mesh, tenantA, "alice");
        using var foreign = mesh.Found("tenant-b").Issue("mallory", mesh.WallNow);
        var mallory = await mesh.StartAsync(tenantA.File, foreign, options => options with { OwnCertificate = OwnCertificateCheck.Skipped });

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(mallory, alice));

        Assert.EndsWith($"refused this node: {ErrorCodes.Describe(ErrorCode.CertificateWrongRealm).Meaning}", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void ARealmThatIsNotServedLooksLikeNoRealmAtAll() => Run(async mesh => // [CON-1]
    {
        var alice = await ServeAsync(mesh, mesh.Found("tenant-a"), "alice");
        var bob = await mesh.StartAsync(mesh.Found("tenant-b"), "bob");

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(bob, alice));

        Assert.Equal((ErrorCode.RealmNotServed, CallExecution.NotStarted), (failure.Code, failure.Execution));
    });

    [Fact]
    public void ARevokedNodeIsRefused() => Run(async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var mallory = await mesh.StartAsync(realm, "mallory");
        realm.Authority.Revoke(mallory.Self.Name, mesh.WallNow, RevocationReason.KeyCompromise);
        var alice = await ServeAsync(mesh, realm, "alice");

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(mallory, alice));

        Assert.Equal((ErrorCode.CertificateRevoked, CallExecution.NotStarted), (failure.Code, failure.Execution));
    });

    [Fact]
    public void ANodeThatOthersWouldRefuseDoesNotStart() => Run(async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        using var foreign = mesh.Found("tenant-b").Issue("mallory", mesh.WallNow);

        var failure = await Assert.ThrowsAsync<MaculaException>(() => mesh.StartAsync(realm.File, foreign));

        Assert.Contains("Other nodes would refuse", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void AnotherNodeThanTheOneDialledEndsTheConnection() => Run(async mesh => // [CON-4]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await ServeAsync(mesh, realm, "alice");
        var bob = await mesh.StartAsync(realm, "bob");

        var failure = await Assert.ThrowsAsync<CallException>(
            () => bob.CallAsync("echo", MeshValue.Nil, new CallOptions { At = alice.LocalEndPoint, Node = NodeId.Read(new byte[NodeId.ByteCount]) }).AsTask());

        Assert.Equal((ErrorCode.UnexpectedNode, CallExecution.NotStarted), (failure.Code, failure.Execution));
    });

    [Fact]
    public void ANodeThatDialsItselfSaysSo() => Run(async mesh => // [CON-4]
    {
        var alice = await ServeAsync(mesh, mesh.Found("tenant-a"), "alice");

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(alice, alice));

        Assert.Equal(ErrorCode.UnexpectedNode, failure.Code);
    });

    [Fact]
    public void SimultaneousDialsLeaveOneConnectionAndFailNoCall() => Run(async mesh => // [CON-5] [CON-8]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await ServeAsync(mesh, realm, "alice");
        var bob = await ServeAsync(mesh, realm, "bob");

        await Task.WhenAll(Enumerable.Range(0, 20).Select(number => number % 2 == 0 ? CallAsync(alice, bob) : CallAsync(bob, alice)));
        await mesh.UntilAsync(() => alice.TransportCounters.ConnectionsOpen == 1 && bob.TransportCounters.ConnectionsOpen == 1);

        await CallAsync(alice, bob);
        await CallAsync(bob, alice);
        Assert.Equal((1, 1), (alice.TransportCounters.ConnectionsOpen, bob.TransportCounters.ConnectionsOpen));
    });

    private static void Run(Func<Mesh, Task> body) => new TRunner().Run(body);

    private static async Task<MaculaPeer> ServeAsync(Mesh mesh, TestRealm realm, string name)
    {
        var peer = await mesh.StartAsync(realm, name);
        await peer.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
        return peer;
    }

    private static Task<CallReply> CallAsync(MaculaPeer caller, MaculaPeer provider) =>
        caller.CallAsync("echo", 1, new CallOptions { At = provider.LocalEndPoint }).AsTask();
}

/// <summary>Connections on a simulated network.</summary>
public sealed class SimulatedConnections : ConnectionContract<SimulatedRunner>;

/// <summary>Connections over QUIC on loopback.</summary>
public sealed class LoopbackConnections : ConnectionContract<LoopbackRunner>;
