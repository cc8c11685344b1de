using System.Diagnostics;
using System.Diagnostics.Metrics;
using Macula.Rpc;
using Macula.Tests.Dht;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Tests.Calls;

/// <summary>What a call of a node to itself takes and leaves behind, in virtual time.</summary>
public sealed class LocalCallTests
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void ACallToItselfAsksNobodyAndTakesNoTime() => SimulatedRun.Run(1, async mesh => // [RPC-18]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Client(boot));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        Assert.Equal(TimeSpan.Zero, (await alice.CallAsync("echo", 7)).Elapsed);

        await advertisement.WaitUntilPublishedAsync();
        mesh.Network.Partition([mesh.LastHost], [mesh.Network.Hosts[0]]);

        Assert.Equal(TimeSpan.Zero, (await alice.CallAsync("echo", 7)).Elapsed);
    });

    [Fact]
    public void AHandlerHasTheTimeThatItsCallerHas() => SimulatedRun.Run(2, async mesh => // [RPC-19] [RPC-2]
    {
        var alice = await mesh.StartAsync(mesh.Found("tenant-a"), "alice", DhtMember.Client());
        await alice.AdvertiseAsync("wait", async (call, cancellationToken) =>
        {
            Assert.Equal(TimeSpan.FromSeconds(3), call.Deadline - mesh.Scheduler.Now);
            await Task.Delay(TimeSpan.FromSeconds(call.Argument.ToValue().AsInt32()), mesh.Time, cancellationToken);
            return call.Argument;
        });
        var options = new CallOptions { Deadline = TimeSpan.FromSeconds(3) };

        Assert.Equal(TimeSpan.FromSeconds(2), (await alice.CallAsync("wait", 2, options)).Elapsed);
        var before = mesh.World.Elapsed;
        var failure = await Assert.ThrowsAsync<CallException>(() => alice.CallAsync("wait", 4, options).AsTask());

        Assert.Equal((ErrorCode.DeadlineExceeded, options.Deadline), (failure.Code, mesh.World.Elapsed - before));
    });

    [Fact]
    public void ACallToItselfIsMeasuredAtBothEnds() => SimulatedRun.Run(3, async mesh => // [RPC-19]
    {
        var alice = await mesh.StartAsync(mesh.Found("tenant-a"), "alice", DhtMember.Client());
        await alice.AdvertiseAsync("echo", Echo);
        await alice.AdvertiseAsync("fail", static (_, _) => throw new InvalidOperationException("no"));
        using var durations = new CallDurations();

        await alice.CallAsync("echo", 7);
        await Assert.ThrowsAsync<CallException>(() => alice.CallAsync("fail", 7).AsTask());
        await mesh.UntilAsync(() => durations.Seen.Count >= 4);

        Assert.Equal(
            ["macula.call.client.duration HandlerFailed", "macula.call.client.duration NoError", "macula.call.server.duration HandlerFailed", "macula.call.server.duration NoError"],
            durations.Seen.Order(StringComparer.Ordinal));
    });

    [Fact]
    public void TheHandlersSpanIsAChildOfTheCallers() => SimulatedRun.Run(4, async mesh => // [RPC-19]
    {
        var alice = await mesh.StartAsync(mesh.Found("tenant-a"), "alice", DhtMember.Client());
        await alice.AdvertiseAsync("echo", Echo);
        var spans = new List<Activity>();
        using var application = new Activity("application").Start();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Macula",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => ActivitySamplingResult.AllData,
            ActivityStarted = span =>
            {
                if (span.TraceId == application.TraceId)
                {
                    spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);

        await alice.CallAsync("echo", MeshValue.Nil);

        Assert.Equal([ActivityKind.Client, ActivityKind.Server], spans.Select(span => span.Kind));
        Assert.Equal([application.SpanId, spans[0].SpanId], spans.Select(span => span.ParentSpanId));
    });

    /// <summary>Notes what nodes on this thread, which are those of this simulation, measure of their calls.</summary>
    private sealed class CallDurations : IDisposable
    {
        private readonly MeterListener _listener = new();

        public CallDurations()
        {
            var thread = Environment.CurrentManagedThreadId;
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Macula" && instrument.Name.StartsWith("macula.call.", StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
            {
                if (Environment.CurrentManagedThreadId == thread)
                {
                    Seen.Add($"{instrument.Name} {tags[0].Value}");
                }
            });
            _listener.Start();
        }

        public List<string> Seen { get; } = [];

        public void Dispose() => _listener.Dispose();
    }
}
