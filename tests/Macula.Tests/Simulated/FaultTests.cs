using System.Net;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Testing.Network;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Simulated;

/// <summary>Calls under faults that only a simulation can make at will.</summary>
public sealed class FaultTests
{
    private const ulong Seed = 42;

    [Fact]
    public void ANodeThatIsKilledWithoutAWordIsNoticedWithinTheDeadline() => Run(new SimulatedMesh(Seed), async mesh => // [RPC-4]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice");
        var host = mesh.LastHost;
        await ServeAsync(alice);
        var bob = await mesh.StartAsync(realm, "bob");
        await bob.CallAsync("echo", 1, At(alice));

        host.Crash();
        mesh.Abandon(alice);
        var before = mesh.World.Elapsed;
        var failure = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("echo", 1, At(alice) with { Deadline = TimeSpan.FromSeconds(3) }).AsTask());

        Assert.Equal((ErrorCode.DeadlineExceeded, CallExecution.Unknown), (failure.Code, failure.Execution));
        Assert.InRange((mesh.World.Elapsed - before).TotalSeconds, 3, 3.001);
    });

    [Fact]
    public void AnIdempotentCallReachesANodeThatCameBack() => Run(new SimulatedMesh(Seed), async mesh => // [CON-6] [RPC-5]
    {
        var realm = mesh.Found("tenant-a");
        using var credentials = realm.Issue("alice", mesh.WallNow);
        var first = await mesh.StartAsync(realm.File, credentials);
        var host = mesh.LastHost;
        await ServeAsync(first);
        var bob = await mesh.StartAsync(realm, "bob");
        await bob.CallAsync("echo", 1, At(first));

        host.Crash();
        mesh.Abandon(first);
        host.Restart();
        await using var second = await MaculaPeer.StartAsync(new MaculaPeerOptions
        {
            Realm = realm.File,
            Credentials = credentials,
            Transport = host.Transport,
            Scheduler = host.Scheduler,
            Random = host.Random.Fork("second life"),
            Endpoint = new Transport.EndpointOptions { LocalEndPoint = new IPEndPoint(host.Address, 9443) },
        });
        await ServeAsync(second);

        var reply = await bob.CallAsync("echo", 7, At(second) with { Repetition = CallRepetition.Idempotent });

        Assert.Equal(7, reply.Value.AsInt32());
    });

    [Fact]
    public void ACertificateThatEndsEndsItsConnections() => Run(new SimulatedMesh(Seed), async mesh => // [CON-13]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice");
        await ServeAsync(alice);
        using var brief = realm.Issue("bob", mesh.WallNow, lifetime: TimeSpan.FromMinutes(10));
        var bob = await mesh.StartAsync(realm.File, brief);
        await bob.CallAsync("echo", 1, At(alice));

        // Ten minutes of life and five of clock skew.
        await Task.Delay(TimeSpan.FromMinutes(14.9), mesh.Time);
        await bob.CallAsync("echo", 1, At(alice));
        Assert.Equal(1, alice.TransportCounters.ConnectionsOpen);
        await Task.Delay(TimeSpan.FromMinutes(0.2), mesh.Time);
        Assert.Equal(0, alice.TransportCounters.ConnectionsOpen);

        var failure = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("echo", 1, At(alice)).AsTask());
        Assert.Equal(ErrorCode.CertificateExpired, failure.Code);
    });

    [Fact]
    public void ARequestThatNeverEndsIsAnsweredAndLetGoOf() => Run(new SimulatedMesh(Seed), async mesh => // [RPC-13]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice");
        await ServeAsync(alice);
        await using var mallory = await Hostile.RawMember.StartAsync(mesh, realm);
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);

        var stream = await Hostile.RawMember.SendAsync(connection, Hostile.RawMember.Call()[..5], Transport.WriteEnd.KeepOpen);
        var answer = await Hostile.RawMember.ReadAnswerAsync(stream);

        Assert.True(ErrorFrame.TryRead(answer.Body, out var error, out _));
        Assert.Equal((ErrorCode.DeadlineExceeded, CallExecution.NotStarted), (error!.Code, error.Execution));
    });

    [Fact]
    public void ADialThatNobodyWaitsForAnyMoreServesTheNextCall() => Run(new SimulatedMesh(Seed), async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice");
        await ServeAsync(alice);
        var bob = await mesh.StartAsync(realm, "bob");

        var hasty = await Assert.ThrowsAsync<CallException>(() => bob.CallAsync("echo", 1, At(alice) with { Deadline = TimeSpan.FromMilliseconds(1) }).AsTask());
        var reply = await bob.CallAsync("echo", 2, At(alice));

        Assert.Equal((ErrorCode.DeadlineExceeded, CallExecution.NotStarted), (hasty.Code, hasty.Execution));
        Assert.Equal(2, reply.Value.AsInt32());
        Assert.Equal(1, bob.TransportCounters.HandshakesCompleted);
    });

    [Fact]
    public void ACallThatOneProviderRefusedAndAnotherBeganIsNotCalledUnstarted() => Run(new SimulatedMesh(Seed), async mesh => // [RPC-5] [RPC-14]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", Server);
        var bootstraps = new DhtOptions { Bootstraps = [BootstrapAddress.Parse(alice.LocalEndPoint.ToString())] };
        var bob = await mesh.StartAsync(realm, "bob", options => options with { Dht = bootstraps });
        var carol = await mesh.StartAsync(realm, "carol", options => options with { Dht = bootstraps });
        var runs = 0;
        CallHandler slow = async (call, stop) =>
        {
            runs++;
            await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time, stop);
            return call.Argument;
        };
        var withdrawn = await alice.AdvertiseAsync("slow", slow);
        await withdrawn.WaitUntilPublishedAsync();
        await (await bob.AdvertiseAsync("slow", slow)).WaitUntilPublishedAsync();
        await Task.WhenAll(carol.CallAsync("slow", 1).AsTask(), carol.CallAsync("slow", 2).AsTask());
        runs = 0;

        // Round robin has one of the two go to alice, whose record still stands, and who refuses.
        await withdrawn.DisposeAsync();
        var brief = new CallOptions { Deadline = TimeSpan.FromMilliseconds(200) };
        var failures = await Task.WhenAll(new[] { 3, 4 }.Select(number => Assert.ThrowsAsync<CallException>(() => carol.CallAsync("slow", number, brief).AsTask())));

        Assert.Equal(2, runs);
        Assert.DoesNotContain(failures, failure => failure.Execution == CallExecution.NotStarted);

        static MaculaPeerOptions Server(MaculaPeerOptions options) => options with { Dht = new DhtOptions { Mode = DhtMode.Server, Bootstraps = [] } };
    });

    [Fact]
    public void ACallThatFailedBeforeItsRequestLeftNeverRuns() // [RPC-3] [RPC-5]
    {
        for (var milliseconds = 1; milliseconds <= 60; milliseconds++)
        {
            Run(new SimulatedMesh(Seed), async mesh =>
            {
                var realm = mesh.Found("tenant-a");
                var alice = await mesh.StartAsync(realm, "alice");
                var runs = 0;
                await alice.AdvertiseAsync("count", (call, _) =>
                {
                    runs++;
                    return ValueTask.FromResult(call.Argument);
                });
                var bob = await mesh.StartAsync(realm, "bob");

                var failure = await Record.ExceptionAsync(() => bob.CallAsync("count", 1, At(alice) with { Deadline = TimeSpan.FromMilliseconds(milliseconds) }).AsTask());
                await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);

                Assert.True(failure is not CallException { Execution: CallExecution.NotStarted } || runs == 0, $"{milliseconds} ms: {failure?.Message}");
            });
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EveryCallHasOneOutcomeAndRunsAtMostOnceUnderLoss(ulong seed) =>
        Run(new SimulatedMesh(seed, new SimulatedNetworkOptions { DefaultLink = new Link { Loss = 0.05 } }), async mesh => // [RPC-4]
        {
            const int Calls = 200;
            var realm = mesh.Found("tenant-a");
            var alice = await mesh.StartAsync(realm, "alice");
            var bob = await mesh.StartAsync(realm, "bob");
            var runs = new int[Calls];
            foreach (var provider in new[] { alice, bob })
            {
                await provider.AdvertiseAsync("count", (call, _) =>
                {
                    runs[call.Argument.ToValue().AsInt32()]++;
                    return ValueTask.FromResult(call.Argument);
                });
            }

            // Both dial at the same moment, and go on as connections are settled under them.
            var failures = new List<string>();
            await Task.WhenAll(Enumerable.Range(0, Calls).Select(async number =>
            {
                var (caller, provider) = number % 2 == 0 ? (alice, bob) : (bob, alice);
                await Task.Delay(TimeSpan.FromMilliseconds(5 * number), mesh.Time);
                try
                {
                    Assert.Equal(number, (await caller.CallAsync("count", number, At(provider))).Value.AsInt32());
                }
                catch (CallException exception)
                {
                    Assert.True(exception.Execution != CallExecution.NotStarted || runs[number] == 0, $"call {number}: {exception.Message}");
                    failures.Add($"call {number}: {exception.Code}, {exception.Execution}: {exception.Message}");
                }
            }));

            Assert.Empty(failures);
            Assert.All(runs, run => Assert.InRange(run, 0, 1));
        });

    [Fact]
    public void TheSameSeedGivesTheSameRunAndAnotherAnother()
    {
        Assert.Equal(TraceOf(7), TraceOf(7));
        Assert.NotEqual(TraceOf(7), TraceOf(8));
    }

    private static string TraceOf(ulong seed)
    {
        var mesh = new SimulatedMesh(seed, new SimulatedNetworkOptions { DefaultLink = new Link { Loss = 0.02 } });
        Run(mesh, async _ =>
        {
            var realm = mesh.Found("tenant-a");
            var peers = new List<MaculaPeer>();
            for (var number = 0; number < 5; number++)
            {
                peers.Add(await mesh.StartAsync(realm, $"node-{number}"));
                await ServeAsync(peers[^1]);
            }

            await Task.WhenAll(
                from caller in peers
                from provider in peers
                where caller != provider
                select caller.CallAsync("echo", caller.LocalEndPoint.ToString(), At(provider)).AsTask());
        });
        return mesh.World.TraceHash;
    }

    private static void Run(SimulatedMesh mesh, Func<SimulatedMesh, Task> body) => mesh.World.Run(
        async () =>
        {
            await using (mesh)
            {
                await body(mesh);
            }
        },
        TimeSpan.FromHours(1));

    private static async Task ServeAsync(MaculaPeer peer) => await peer.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));

    private static CallOptions At(MaculaPeer peer) => new() { At = peer.LocalEndPoint };
}
