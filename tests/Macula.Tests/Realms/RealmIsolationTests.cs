using System.Reflection;
using Macula.Rpc;
using Macula.Tests.Meshes;

namespace Macula.Tests.Realms;

/// <summary>Realms of one node are apart by construction: there is no reference along which anything could go from one to the other.</summary>
public sealed class RealmIsolationTests
{
    [Fact]
    public void NothingThatOneRealmHoldsRefersToTheOther() => new SimulatedRunner().Run(async mesh =>
    {
        var (realmA, realmB) = (mesh.Found("tenant-a"), mesh.Found("tenant-b"));
        var endpoint = await mesh.BindAsync();
        var nodeA = await mesh.StartAsync(endpoint, realmA, "node-a");
        var nodeB = await mesh.StartAsync(endpoint, realmB, "node-b");
        foreach (var (node, realm) in new[] { (nodeA, realmA), (nodeB, realmB) })
        {
            // Members of both realms are connected and have called, so that every table holds something.
            await node.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
            var member = await mesh.StartAsync(realm, "member");
            await member.CallAsync("echo", 1, new CallOptions { At = endpoint.LocalEndPoint });
            await member.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
            await node.CallAsync("echo", 1, new CallOptions { At = member.LocalEndPoint });
        }

        var contextA = ContextOf(nodeA);
        var own = ReferenceWalk.From(contextA, realmA.File.Id);
        var other = ReferenceWalk.From(contextA, realmB.File.Id);
        var throughTheRoutingTable = ReferenceWalk.From(contextA, realmB.File.Id, entersRoutingTable: true);

        Assert.Empty(other.Found);
        Assert.Empty(ReferenceWalk.From(ContextOf(nodeB), realmA.File.Id).Found);

        // The walk sees what is there: this realm's own tables, and the other realm where the one exception allows it.
        Assert.NotEmpty(own.Found);
        Assert.Superset(
            new HashSet<string> { "Macula.Connections.MeshConnection", "Macula.Rpc.ProcedureTable", "Macula.MaculaPeer", "Macula.MeshEndpoint", "Macula.Identity.Certificates.NodeIdentity" },
            other.Types);
        Assert.NotEmpty(throughTheRoutingTable.Found);
        Assert.All(throughTheRoutingTable.Found, path => Assert.Contains("._node._realms", path, StringComparison.Ordinal));
    });

    [Fact]
    public void WhatATypeKeepsForEverybodyIsFollowedToo() => new SimulatedRunner().Run(async mesh =>
    {
        var (realmA, realmB) = (mesh.Found("tenant-a"), mesh.Found("tenant-b"));
        var endpoint = await mesh.BindAsync();
        var nodeA = await mesh.StartAsync(endpoint, realmA, "node-a");
        var nodeB = await mesh.StartAsync(endpoint, realmB, "node-b");
        Assert.Empty(ReferenceWalk.From(ContextOf(nodeA), realmB.File.Id).Found);

        Planted.Remembered = new Dictionary<string, object> { ["b"] = ContextOf(nodeB) };
        Planted<string>.Remembered = null;
        try
        {
            var inAStaticClass = ReferenceWalk.From(ContextOf(nodeA), realmB.File.Id).Found;
            Planted.Remembered = null;
            Assert.Empty(ReferenceWalk.From(ContextOf(nodeA), realmB.File.Id).Found);

            // A type that has no fields of its own until it is closed is met through an instance, here the target of a handler.
            Planted<string>.Remembered = ContextOf(nodeB);
            await nodeA.AdvertiseAsync("echo", new Planted<string>().Handle);
            var inAGenericType = ReferenceWalk.From(ContextOf(nodeA), realmB.File.Id).Found;

            Assert.Contains(inAStaticClass, path => path.StartsWith("Planted.<Remembered>", StringComparison.Ordinal));
            Assert.Contains(inAGenericType, path => path.Contains("_calls", StringComparison.Ordinal) && path.Contains(".<Remembered>", StringComparison.Ordinal));
        }
        finally
        {
            Planted.Remembered = null;
            Planted<string>.Remembered = null;
        }
    });

    private static object ContextOf(MaculaPeer peer) =>
        typeof(MaculaPeer).GetField("_realm", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(peer)!;

    /// <summary>What must not be: a table for all realms.</summary>
    private static class Planted
    {
        public static Dictionary<string, object>? Remembered { get; set; }
    }

    /// <inheritdoc cref="Planted"/>
    private sealed class Planted<T>
    {
        private int _handled;

        public static object? Remembered { get; set; }

        public ValueTask<Wire.Frames.Payload> Handle(IncomingCall call, CancellationToken cancellationToken)
        {
            return ValueTask.FromResult(++_handled > 0 ? call.Argument : Wire.Frames.Payload.Nil);
        }
    }
}
