using System.Diagnostics.Metrics;
using Macula.PubSub;
using Macula.Tests.Dht;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Tests.PubSub;

/// <summary>What publishing and subscribing leave behind, and what they cost others, in virtual time.</summary>
public sealed class LeftoverTests
{
    [Fact]
    public void OnceItIsKnownWhoSubscribesAPublishCostsTheDhtNothing() => Run(1, async (mesh, boot) => // [PUB-2]
    {
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        var bob = await mesh.StartAsync(mesh.Realm!, "bob", DhtMember.Client(boot));
        await using var subscription = await bob.SubscribeAsync("sensor.*", new SubscribeOptions { MaxQueuedEvents = 2000 });
        await alice.PublishAsync("sensor.load", 0);
        await SimulatedPubSubTests.NextAsync(subscription);
        using var requests = new DhtRequests();

        for (var number = 1; number <= 1000; number++)
        {
            Assert.Equal(1, (await alice.PublishAsync("sensor.load", number)).Subscribers);
            Assert.Equal(number, (await SimulatedPubSubTests.NextAsync(subscription)).Value.AsInt32());
        }

        // Leases are renewed and nodes pinged meanwhile, as they are when nothing is published.
        Assert.InRange(mesh.World.Elapsed, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30));
        Assert.Equal(0, requests.OfPublishing);

        // And a topic that is published for the first time does ask.
        await alice.PublishAsync("other.load", 0);
        Assert.NotEqual(0, requests.OfPublishing);
    });

    [Fact]
    public void ASubscriptionThatWasGivenUpLeavesNothing() => Run(2, async (mesh, boot) =>
    {
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        var bob = await mesh.StartAsync(mesh.Realm!, "bob", DhtMember.Client(boot));
        await alice.PublishAsync("sensor.load", 0);
        for (var delay = 0; delay < 100; delay += 4)
        {
            using var giveUp = new CancellationTokenSource(TimeSpan.FromMilliseconds(delay), mesh.Time);
            try
            {
                await using var subscription = await bob.SubscribeAsync("sensor.*", null, giveUp.Token);
            }
            catch (OperationCanceledException exception)
            {
                Assert.Equal(giveUp.Token, exception.CancellationToken);
            }
        }

        await mesh.UntilAsync(async () => (await alice.PublishAsync("sensor.load", 1)).Subscribers == 0);
        await using var reader = await RawMember.StartAsync(mesh, mesh.Realm!, "reader");
        var held = await reader.ReadRecordsAsync(boot.LocalEndPoint, DhtKey.OfSubscribers(mesh.Realm!.File.Id, TopicPattern.Parse("sensor.*").LiteralPrefix));
        Assert.All(held, bytes => Assert.True(Wire.Records.SignedRecord.TryRead(bytes, out var record, out _) && record.Body.State == Wire.Records.RecordState.Withdrawn));
    });

    [Fact]
    public void APublishThatWasGivenUpIsNotSentLater() => Run(3, async (mesh, boot) =>
    {
        var bob = await mesh.StartAsync(mesh.Realm!, "bob", DhtMember.Client(boot));
        await using var subscription = await bob.SubscribeAsync("a");
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        using var giveUp = new CancellationTokenSource();
        var givenUp = alice.PublishAsync("a", 1, cancellationToken: giveUp.Token).AsTask();
        var late = alice.PublishAsync("a", 2, new PublishOptions { Deadline = TimeSpan.FromMilliseconds(1) }).AsTask();
        var kept = alice.PublishAsync("a", 3).AsTask();
        giveUp.Cancel();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);
        Assert.Equal(giveUp.Token, cancelled.CancellationToken);
        Assert.Equal(ErrorCode.DeadlineExceeded, (await Assert.ThrowsAsync<MaculaException>(() => late)).Code);
        var receipt = await kept;

        // Only what was published has a number.
        Assert.Equal(1, receipt.Id.Sequence);
        Assert.Equal((3, receipt.Id), (await SimulatedPubSubTests.NextAsync(subscription)) is var arrived ? (arrived.Value.AsInt32(), arrived.Id) : default);
    });

    [Fact]
    public void PublishesThatGaveUpTakeNoPlaceAmongThoseThatWait() => Run(4, async (mesh, boot) =>
    {
        // It has joined and lost everybody who could say who subscribes, so every publish waits for its deadline.
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        await alice.WaitUntilJoinedAsync();
        mesh.Network.Partition([mesh.LastHost], [.. mesh.Network.Hosts.Where(host => host != mesh.LastHost)]);
        var options = new PublishOptions { Deadline = TimeSpan.FromMilliseconds(10) };
        for (var round = 0; round < 3; round++)
        {
            var failures = await Task.WhenAll(Enumerable.Range(0, 2000).Select(number => FailureAsync(alice.PublishAsync("a", number, options))));
            Assert.All(failures, code => Assert.Equal(ErrorCode.DeadlineExceeded, code));
        }

        var tooMany = await Task.WhenAll(Enumerable.Range(0, 4097).Select(number => FailureAsync(alice.PublishAsync("a", number, options))));
        Assert.Equal(1, tooMany.Count(code => code == ErrorCode.LimitExceeded));
    });

    [Fact]
    public void ANodeThatStopsEndsWhatWaits() => Run(5, async (mesh, boot) =>
    {
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        await alice.WaitUntilJoinedAsync();
        mesh.Network.Partition([mesh.LastHost], [.. mesh.Network.Hosts.Where(host => host != mesh.LastHost)]);
        var publishing = FailureAsync(alice.PublishAsync("a", 1));
        var subscribing = Assert.ThrowsAsync<MaculaException>(() => alice.SubscribeAsync("a").AsTask());

        await alice.DisposeAsync();

        Assert.Equal((ErrorCode.ShuttingDown, ErrorCode.ShuttingDown), (await publishing, (await subscribing).Code));
    });

    [Fact]
    public void ARecordHoldsSixteenPatternsAndTheNextIsRefused() => Run(6, async (mesh, boot) => // [PUB-3]
    {
        var bob = await mesh.StartAsync(mesh.Realm!, "bob", DhtMember.Client(boot));
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        var subscriptions = await Task.WhenAll(Enumerable.Range(0, 16).Select(number => bob.SubscribeAsync($"a.*.{number}").AsTask()));
        var failure = await Assert.ThrowsAsync<MaculaException>(() => bob.SubscribeAsync("a.*.16").AsTask());
        Assert.Equal(ErrorCode.LimitExceeded, failure.Code);

        // The same pattern again is nothing more, and another prefix has a record of its own.
        await using var same = await bob.SubscribeAsync("a.*.0");
        await using var elsewhere = await bob.SubscribeAsync("b.*.16");
        await alice.PublishAsync("a.x.15", 1);
        Assert.Equal(1, (await SimulatedPubSubTests.NextAsync(subscriptions[15])).Value.AsInt32());

        await subscriptions[3].DisposeAsync();
        await using var room = await bob.SubscribeAsync("a.*.16");
        Assert.Equal(0, (await alice.PublishAsync("a.x.3", 1)).Subscribers);
        Assert.Equal(1, (await alice.PublishAsync("a.x.16", 1)).Subscribers);

        // The pattern stands as long as one of its subscriptions does; the record, as long as one of its patterns.
        await subscriptions[0].DisposeAsync();
        Assert.Equal(1, (await alice.PublishAsync("a.x.0", 1)).Subscribers);
        Assert.Equal(1, (await SimulatedPubSubTests.NextAsync(same)).Value.AsInt32());
    });

    [Fact]
    public void SubscribingAgainAtOnceIsInForceLikeTheFirstTime() => Run(7, async (mesh, boot) => // [PUB-3] [REC-19]
    {
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        var bob = await mesh.StartAsync(mesh.Realm!, "bob", DhtMember.Client(boot));
        await alice.PublishAsync("a", 0);
        for (var number = 1; number <= 50; number++)
        {
            await using var subscription = await bob.SubscribeAsync("a");
            await Task.Delay(TimeSpan.FromMilliseconds((number * 7) % 40), mesh.Time);
            var receipt = await alice.PublishAsync("a", number);
            Assert.Equal(1, receipt.Subscribers);
            Assert.Equal(receipt.Id, (await SimulatedPubSubTests.NextAsync(subscription)).Id);
        }
    });

    [Fact]
    public void ASecondReaderIsToldSoAndTheFirstReadsOn() => Run(8, async (mesh, boot) =>
    {
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        await using var subscription = await alice.SubscribeAsync("a");
        var reading = SimulatedPubSubTests.NextAsync(subscription);
        await Assert.ThrowsAsync<InvalidOperationException>(() => SimulatedPubSubTests.NextAsync(subscription));

        await alice.PublishAsync("a", 1);
        Assert.Equal(1, (await reading).Value.AsInt32());
    });

    [Fact]
    public void AReadingThatIsGivenUpLosesNoEvent() => Run(9, async (mesh, boot) =>
    {
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        await using var subscription = await alice.SubscribeAsync("a");
        for (var number = 0; number < 100; number++)
        {
            using var giveUp = new CancellationTokenSource();
            await using var events = subscription.GetAsyncEnumerator(giveUp.Token);
            var reading = events.MoveNextAsync().AsTask();
            var publishing = alice.PublishAsync("a", number).AsTask();
            if (number % 2 == 0)
            {
                await publishing;
            }

            giveUp.Cancel();
            await publishing;
            var arrived = await IsGivenUpAsync(reading) ? await SimulatedPubSubTests.NextAsync(subscription) : events.Current;
            Assert.Equal(number, arrived.Value.AsInt32());
        }
    });

    private static async Task<bool> IsGivenUpAsync(Task<bool> reading)
    {
        try
        {
            return !await reading;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private static async Task<ErrorCode> FailureAsync(ValueTask<PublishReceipt> publishing)
    {
        try
        {
            await publishing;
            return ErrorCode.NoError;
        }
        catch (MaculaException exception)
        {
            return exception.Code;
        }
    }

    private static void Run(ulong seed, Func<SimulatedMesh, MaculaPeer, Task> body) => SimulatedRun.Run(seed, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        await body(mesh, await mesh.StartAsync(realm, "boot", DhtMember.Server()));
    });

    /// <summary>Counts what nodes on this thread answer, which are those of this simulation.</summary>
    private sealed class DhtRequests : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly int _thread = Environment.CurrentManagedThreadId;

        public DhtRequests()
        {
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument is { Meter.Name: "Macula", Name: "macula.dht.requests" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, measurement, tags, _) =>
            {
                var isUpkeep = tags[0].Value is string request && (request == nameof(FrameType.Ping) || request == nameof(FrameType.Watch));
                OfPublishing += Environment.CurrentManagedThreadId == _thread && !isUpkeep ? measurement : 0;
            });
            _listener.Start();
        }

        /// <summary>Lookups, reads and records; what is done all the time for the upkeep of tables and leases is left out.</summary>
        public long OfPublishing { get; private set; }

        public void Dispose() => _listener.Dispose();
    }
}
