using Macula.Identity.Names;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Microsoft.Extensions.Logging;

namespace Macula.Gateway.Tests;

/// <summary>What a gateway of several realms does, on every transport.</summary>
public abstract class GatewayContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    private const int RealmEnded = 3000;

    [Fact]
    public void AGatewayIsANodeOfItsOwnInEachRealm() => Run(async (mesh, gateway, realms) => // [CON-1]
    {
        foreach (var (realm, status) in realms.Zip(gateway.Realms))
        {
            var member = await mesh.StartAsync(realm, "member");

            var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(member, gateway, status));

            Assert.IsType<GatewayRealmStatus.Running>(status);
            Assert.Equal(realm.File.Id, status.Node.RealmId);
            Assert.Equal(ErrorCode.NoSuchProcedure, failure.Code);
        }

        var stranger = await mesh.StartAsync(mesh.Found("tenant-c"), "stranger");
        Assert.Equal(ErrorCode.RealmNotServed, (await Assert.ThrowsAsync<CallException>(() => CallAsync(stranger, gateway))).Code);

        // The stranger learns of the close before the gateway has let go of its connection.
        await mesh.UntilAsync(() => gateway.TransportCounters.ConnectionsOpen == 2);
    });

    [Fact]
    public void ANodeWithTheCertificateOfAnotherTenantIsRefusedByCode() => Run(async (mesh, gateway, realms) => // [CON-9]
    {
        using var foreign = realms[1].Issue("mallory", mesh.WallNow);
        var mallory = await mesh.StartAsync(realms[0].File, foreign, options => options with { OwnCertificate = OwnCertificateCheck.Skipped });

        var failure = await Assert.ThrowsAsync<CallException>(() => CallAsync(mallory, gateway));

        Assert.Equal(ErrorCode.CertificateWrongRealm, failure.Code);
        Assert.EndsWith(ErrorCodes.Describe(ErrorCode.CertificateWrongRealm).Meaning, failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void AFaultEndsItsRealmAndTheStatusSaysWhy() => RunWith(mesh => new FailingLog(mesh.Log, "carol"), async (mesh, gateway, realms) =>
    {
        var carol = await mesh.StartAsync(realms[0], "carol");
        var bob = await mesh.StartAsync(realms[1], "bob");

        await Assert.ThrowsAsync<CallException>(() => CallAsync(carol, gateway));
        await mesh.UntilAsync(() => mesh.Log.Lines.Any(line => line.Event.Id == RealmEnded));

        var ended = Assert.IsType<GatewayRealmStatus.Ended>(gateway.Realms[0]);
        Assert.Equal((realms[0].File.Id, ErrorCode.InternalError), (ended.Node.RealmId, ended.Fault?.Code));
        Assert.Equal(ended.Fault!.Message, ended.Reason);
        Assert.IsType<InvalidOperationException>(ended.Fault.InnerException);
        Assert.IsType<GatewayRealmStatus.Running>(gateway.Realms[1]);
        Assert.Contains(mesh.Log.Lines, line => line.Event.Id == RealmEnded && line.Level == LogLevel.Error && line.Message.Contains(realms[0].File.Id.ToString(), StringComparison.Ordinal));
        Assert.False(gateway.WaitForStopAsync().IsCompleted);
        Assert.Equal(ErrorCode.NoSuchProcedure, (await Assert.ThrowsAsync<CallException>(() => CallAsync(bob, gateway))).Code);
        Assert.Equal(ErrorCode.RealmNotServed, (await Assert.ThrowsAsync<CallException>(() => CallAsync(carol, gateway))).Code);
    });

    [Fact]
    public void WithItsLastRealmTheGatewayEnds() => RunWith(mesh => new FailingLog(mesh.Log, "carol"), async (mesh, gateway, realms) =>
    {
        foreach (var realm in realms)
        {
            // An endpoint without realms answers nobody, so that the last call ends by its deadline.
            var carol = await mesh.StartAsync(realm, "carol");
            var call = new CallOptions { At = gateway.LocalEndPoint, Deadline = TimeSpan.FromSeconds(0.5) };
            await Assert.ThrowsAsync<CallException>(() => carol.CallAsync("echo", 1, call).AsTask());
        }

        var end = await Assert.ThrowsAsync<MaculaException>(() => gateway.WaitForStopAsync());

        Assert.Contains("every realm", end.Message, StringComparison.Ordinal);
        Assert.All(gateway.Realms, status => Assert.IsType<GatewayRealmStatus.Ended>(status));
    });

    [Fact]
    public void AGatewayThatIsToldToStopClosesEveryRealmAndItsAddress() => Run(async (mesh, gateway, realms) =>
    {
        var members = new List<MaculaPeer>();
        foreach (var realm in realms)
        {
            members.Add(await mesh.StartAsync(realm, "member"));
            await Assert.ThrowsAsync<CallException>(() => CallAsync(members[^1], gateway));
        }

        await gateway.DisposeAsync();

        await gateway.WaitForStopAsync();
        Assert.All(gateway.Realms, status => Assert.Equal("The gateway was told to stop.", Assert.IsType<GatewayRealmStatus.Ended>(status).Reason));
        Assert.All(gateway.Realms, status => Assert.Null(((GatewayRealmStatus.Ended)status).Fault));
        Assert.Equal(0, gateway.TransportCounters.ConnectionsOpen);
        await mesh.UntilAsync(() => members.All(member => member.TransportCounters.ConnectionsOpen == 0));
        await gateway.DisposeAsync();
    });

    [Fact]
    public void WhatCannotBeServedIsSaidBeforeAnythingIsBound() => new TRunner().Run(async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        using var peer = realm.Issue("alice", mesh.WallNow);
        using var gateway = realm.Issue("gateway", mesh.WallNow, NodeRoles.Peer | NodeRoles.Bootstrap);
        var good = new GatewayRealm(realm.File, gateway);

        var role = await Assert.ThrowsAsync<MaculaException>(() => StartAsync(new GatewayRealm(realm.File, peer)));
        var none = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync());
        var twice = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(good, good));
        var many = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync([.. Enumerable.Repeat(good, MaculaGateway.MaxRealms + 1)]));
        await Assert.ThrowsAsync<NotSupportedException>(() => StartAsync(good));

        Assert.Equal(ErrorCode.CertificateWrongUsage, role.Code);
        Assert.Contains("alice", role.Message, StringComparison.Ordinal);
        Assert.Contains("--roles gateway,bootstrap", role.Message, StringComparison.Ordinal);
        Assert.Contains("1 to 256 realms, not 0", none.Message, StringComparison.Ordinal);
        Assert.Contains("named 2 times", twice.Message, StringComparison.Ordinal);
        Assert.Contains("not 257", many.Message, StringComparison.Ordinal);

        Task<MaculaGateway> StartAsync(params GatewayRealm[] realms) => MaculaGateway.StartAsync(new GatewayOptions { Realms = realms, Transport = new NoTransport(), Scheduler = mesh.Scheduler });
    });

    [Fact]
    public void ARealmThatCannotStartLeavesNothingBound() => new TRunner().Run(async mesh =>
    {
        var (good, revoking) = (mesh.Found("tenant-a"), mesh.Found("tenant-b"));
        using var first = good.Issue("gateway", mesh.WallNow, NodeRoles.Gateway);
        using var second = revoking.Issue("gateway", mesh.WallNow, NodeRoles.Gateway);
        revoking.Authority.Revoke(second.Identity.Name, mesh.WallNow, Identity.Realm.RevocationReason.KeyCompromise);
        var transport = mesh.NextTransport(out var address);
        var options = new GatewayOptions
        {
            Realms = [new(good.File, first), new(revoking.File, second)],
            Transport = transport,
            Endpoint = new EndpointOptions { LocalEndPoint = address },
            Scheduler = mesh.NodeScheduler,
            LoggerFactory = mesh.Log,
        };

        var failure = await Assert.ThrowsAsync<MaculaException>(() => MaculaGateway.StartAsync(options));

        Assert.Equal(ErrorCode.CertificateRevoked, failure.Code);
        var bound = mesh.Log.Lines.Single(line => line.Event.Id == 1000).Message.Split(' ')[^1];
        await using var again = await transport.BindAsync(new EndpointOptions { LocalEndPoint = System.Net.IPEndPoint.Parse(bound) }, mesh.Scheduler);
    });

    private static void Run(Func<Mesh, MaculaGateway, TestRealm[], Task> body) => RunWith(mesh => mesh.Log, body);

    private static void RunWith(Func<Mesh, ILoggerFactory> log, Func<Mesh, MaculaGateway, TestRealm[], Task> body) => new TRunner().Run(async mesh =>
    {
        TestRealm[] realms = [mesh.Found("tenant-a"), mesh.Found("tenant-b")];
        var transport = mesh.NextTransport(out var address);
        var gateway = await MaculaGateway.StartAsync(new GatewayOptions
        {
            Realms = [.. realms.Select(realm => new GatewayRealm(realm.File, realm.Issue("gateway", mesh.WallNow, NodeRoles.Gateway)))],
            Transport = transport,
            Endpoint = new EndpointOptions { LocalEndPoint = address },
            Scheduler = mesh.NodeScheduler,
            Random = mesh.NodeRandom("gateway"),
            LoggerFactory = log(mesh),
        });
        mesh.Keep(gateway);
        await body(mesh, gateway, realms);
    });

    private static Task<CallReply> CallAsync(MaculaPeer caller, MaculaGateway gateway, GatewayRealmStatus? node = null) =>
        caller.CallAsync("echo", 1, new CallOptions { At = gateway.LocalEndPoint, Node = node?.Node.NodeId }).AsTask();

    private sealed class NoTransport : ITransport
    {
        public ValueTask<TransportEndpoint> BindAsync(EndpointOptions options, MeshScheduler scheduler, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException("Something was bound.");
    }
}

/// <summary>A gateway at an address of a simulated network.</summary>
public sealed class SimulatedGateways : GatewayContract<SimulatedRunner>;

/// <summary>A gateway on one UDP port of loopback.</summary>
public sealed class LoopbackGateways : GatewayContract<LoopbackRunner>;
