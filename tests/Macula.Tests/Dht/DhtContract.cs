using System.Collections.Immutable;
using System.Net;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Dht;

/// <summary>What finding each other through the DHT promises, on every transport: docs/protocol/08-kademlia.md, 09-records.md.</summary>
public abstract class DhtContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void ACallFindsItsProviderByTheProceduresName() => Run(async (mesh, realm) => // [REC-17] [KAD-15]
    {
        var boot = await StartAsync(mesh, realm, "boot", DhtMode.Server);
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Server, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();

        var reply = await bob.CallAsync("echo", 7);

        Assert.Equal(7, reply.Value.AsInt64());
        Assert.Equal(alice.Self.NodeId, reply.Provider.NodeId);
        Assert.Equal($"direct {alice.LocalEndPoint}", reply.Path.Carrier.ToString());
    });

    [Fact]
    public void AProviderInClientModeIsFoundByItsNodeRecord() => Run(async (mesh, realm) => // [KAD-1]
    {
        var boot = await StartAsync(mesh, realm, "boot", DhtMode.Server);
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Client, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();

        Assert.Equal(alice.Self.NodeId, (await bob.CallAsync("echo", 7)).Provider.NodeId);
    });

    [Fact]
    public void ANodeThatHasBoundNoAddressInParticularIsFoundAtThoseOfItsMachine() => Run(async (mesh, realm) => // [KAD-1]
    {
        var boot = await StartAnywhereAsync(mesh, realm, "boot", []);
        ImmutableArray<BootstrapAddress> bootstraps = [BootstrapAddress.Parse(boot.Addresses[0].ToString())];
        var alice = await StartAnywhereAsync(mesh, realm, "alice", bootstraps);
        var bob = await StartAnywhereAsync(mesh, realm, "bob", bootstraps);
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();

        Assert.Equal(alice.Self.NodeId, (await bob.CallAsync("echo", 7)).Provider.NodeId);
    });

    [Fact]
    public void AProviderThatAdvertisedBeforeTheNetworkWasThereIsFoundOnceItIs() => Run(async (mesh, realm) => // [KAD-21] [REC-17]
    {
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Server, Nowhere(mesh));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();

        var boot = await StartAsync(mesh, realm, "boot", DhtMode.Server, alice);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await bob.WaitUntilJoinedAsync();

        Assert.Equal(alice.Self.NodeId, (await bob.CallAsync("echo", 7)).Provider.NodeId);
    });

    [Fact]
    public void WhatNobodyProvidesFailsAtOnce() => Run(async (mesh, realm) =>
    {
        var boot = await StartAsync(mesh, realm, "boot", DhtMode.Server);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);

        var failure = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("nobody.has.this", 7).AsTask());

        Assert.Equal((ErrorCode.NoProvider, CallExecution.NotStarted), (failure.Code, failure.Execution));
    });

    [Fact]
    public void AClientThatFindsNobodySaysWhomItAsked() => Run(async (mesh, realm) =>
    {
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client);

        var failure = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("echo", 7).AsTask());

        Assert.Equal((ErrorCode.Unreachable, CallExecution.NotStarted), (failure.Code, failure.Execution));
        Assert.Contains("names no bootstrap", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void AWithdrawnProviderIsNotFoundAgain() => Run(async (mesh, realm) => // [REC-18]
    {
        var boot = await StartAsync(mesh, realm, "boot", DhtMode.Server);
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Server, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();
        await bob.CallAsync("echo", 7);

        await advertisement.DisposeAsync();
        await mesh.UntilFailsAsync(() => bob.CallAsync("echo", 7), ErrorCode.NoProvider);
    });

    [Fact]
    public void ASecondProviderTakesOverInTheCallAfterTheFirstHasGone() => Run(async (mesh, realm) => // [RPC-15] [KAD-31]
    {
        var boot = await StartAsync(mesh, realm, "boot", DhtMode.Server);
        var alice = await StartAsync(mesh, realm, "alice", DhtMode.Server, boot);
        var bob = await StartAsync(mesh, realm, "bob", DhtMode.Client, boot);
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        await bob.CallAsync("echo", 7);
        await alice.DisposeAsync();

        var carol = await StartAsync(mesh, realm, "carol", DhtMode.Server, boot);
        await (await carol.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();

        Assert.Equal(carol.Self.NodeId, (await bob.CallAsync("echo", 8)).Provider.NodeId);
    });

    private static void Run(Func<Mesh, TestRealm, Task> body) => new TRunner().Run(mesh => body(mesh, mesh.Found("tenant-a")));

    private static ImmutableArray<BootstrapAddress> Nowhere(Mesh mesh)
    {
        mesh.NextTransport(out var address);
        return [BootstrapAddress.Parse(new IPEndPoint(address.Address, 9).ToString())];
    }

    private static Task<MaculaPeer> StartAnywhereAsync(Mesh mesh, TestRealm realm, string name, ImmutableArray<BootstrapAddress> bootstraps) =>
        mesh.StartAsync(realm, name, options => options with
        {
            Dht = new DhtOptions { Mode = DhtMode.Server, Bootstraps = bootstraps },
            Endpoint = options.Endpoint with { LocalEndPoint = new IPEndPoint(IPAddress.Any, options.Endpoint.LocalEndPoint.Port) },
        });

    private static Task<MaculaPeer> StartAsync(Mesh mesh, TestRealm realm, string name, DhtMode mode, MaculaPeer bootstrap) =>
        StartAsync(mesh, realm, name, mode, [BootstrapAddress.Parse(bootstrap.LocalEndPoint.ToString())]);

    private static Task<MaculaPeer> StartAsync(Mesh mesh, TestRealm realm, string name, DhtMode mode, ImmutableArray<BootstrapAddress> bootstraps = default) =>
        mesh.StartAsync(realm, name, options => options with { Dht = new DhtOptions { Mode = mode, Bootstraps = bootstraps.IsDefault ? [] : bootstraps } });
}

public sealed class SimulatedDhtTests : DhtContract<SimulatedRunner>;

public sealed class LoopbackDhtTests : DhtContract<LoopbackRunner>;
