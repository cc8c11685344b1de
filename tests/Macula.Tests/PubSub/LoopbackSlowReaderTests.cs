using System.Buffers.Binary;
using Macula.Identity.Records;
using Macula.Protocols.PubSub;
using Macula.PubSub;
using Macula.Tests.Dht;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Tests.PubSub;

/// <summary>Readers and subscribers that are too slow, over QUIC on loopback: [PUB-14].</summary>
public sealed class LoopbackSlowReaderTests
{
    private const int ReaderFallsBehind = 1303;
    private const int ReaderCaughtUp = 1304;
    private const int SubscriberFallsBehind = 1305;
    private const int Overflowed = 1309;

    private const string Sent = "macula.events.sent";

    [Theory]
    [InlineData(OverflowPolicy.DropOldest, 193, 200, 192)]
    [InlineData(OverflowPolicy.DropNewest, 1, 8, 192)]
    [InlineData(OverflowPolicy.LatestOnly, 200, 200, 199)]
    [InlineData(OverflowPolicy.Disconnect, 1, 8, 1)]
    public void AReaderThatIsTooSlowLosesWhatItsPolicySaysAndNobodyElseAnything(OverflowPolicy policy, int first, int last, int dropped) => Run(async (mesh, alice, bob) => // [PUB-14]
    {
        const int Events = 200;
        const int Batch = 20;
        var carol = await mesh.StartAsync(mesh.Realm!, "carol", DhtMember.Client(alice));
        var slow = await bob.SubscribeAsync("a", new SubscribeOptions { MaxQueuedEvents = 8, Overflow = policy });
        await using var beside = await bob.SubscribeAsync("a");
        await using var elsewhere = await carol.SubscribeAsync("a");
        using var meter = new NodeMeter(alice);

        // What the others take in time never fills a queue on the way to them.
        for (var number = 1; number <= Events; number++)
        {
            Assert.Equal(2, (await alice.PublishAsync("a", Numbered(number, 16 << 10))).Subscribers);
            for (var taken = number - Batch + 1; number % Batch == 0 && taken <= number; taken++)
            {
                Assert.Equal(taken, NumberOf(await SimulatedPubSubTests.NextAsync(beside)));
                Assert.Equal(taken, NumberOf(await SimulatedPubSubTests.NextAsync(elsewhere)));
            }
        }

        await mesh.UntilAsync(() => slow.DroppedEvents == dropped);
        for (var number = first; number <= last; number++)
        {
            Assert.Equal(number, NumberOf(await SimulatedPubSubTests.NextAsync(slow)));
        }

        Assert.Equal((0, 0), (beside.DroppedEvents, elsewhere.DroppedEvents));
        Assert.Equal((2 * Events, 0), (meter.Count(Sent, nameof(EnqueueOutcome.Queued)), meter.Count(Sent, nameof(EnqueueOutcome.QueuedDroppingOlder))));
        if (policy == OverflowPolicy.Disconnect)
        {
            Assert.Equal(ErrorCode.LimitExceeded, (await Assert.ThrowsAsync<MaculaException>(() => SimulatedPubSubTests.NextAsync(slow))).Code);
            Assert.Single(mesh.Log.Lines, line => line.Event.Id == Overflowed);
        }
        else
        {
            Assert.Single(mesh.Log.Lines, line => line.Event.Id == ReaderFallsBehind);
            Assert.Contains($"it lost {dropped} events", Assert.Single(mesh.Log.Lines, line => line.Event.Id == ReaderCaughtUp).Message, StringComparison.Ordinal);
        }

        await slow.DisposeAsync();
    });

    [Fact]
    public void ASubscriberThatTakesNothingFillsOneQueueAndNoMore() => Run(async (mesh, alice, bob) => // [PUB-5] [PUB-14]
    {
        // 32 MiB, of which the lane's queue holds 2, and the stream's flow control and the kernel a few.
        const int Events = 128;
        const int MostUnderWay = 48;
        await using var mute = await RawMember.StartAsync(mesh, mesh.Realm!, "mute");
        var serving = mute.ServeAsync(static _ => null);
        await SubscribeAsync(mute, alice, mesh);
        await using var subscription = await bob.SubscribeAsync("a");
        await mesh.UntilAsync(async () => (await alice.PublishAsync("a", Numbered(0, 0))).Subscribers == 2);
        using var meter = new NodeMeter(alice);

        for (var number = 1; number <= Events; number++)
        {
            await alice.PublishAsync("a", Numbered(number, 256 << 10));
            MeshEvent arrived;
            do
            {
                arrived = await SimulatedPubSubTests.NextAsync(subscription);
            }
            while (NumberOf(arrived) == 0);
            Assert.Equal(number, NumberOf(arrived));
        }

        // Each event that goes into the full queue pushes one out; bob's events all went straight through.
        var pushedOut = meter.Count(Sent, nameof(EnqueueOutcome.QueuedDroppingOlder));
        Assert.InRange(pushedOut, Events - MostUnderWay, Events);
        Assert.Equal((2 * Events) - pushedOut, meter.Count(Sent, nameof(EnqueueOutcome.Queued)));
        Assert.Contains(mute.Identity.NodeId.ToString(), Assert.Single(mesh.Log.Lines, line => line.Event.Id == SubscriberFallsBehind).Message, StringComparison.Ordinal);

        await mute.DisposeAsync();
        await serving;
    });

    private static async Task SubscribeAsync(RawMember member, MaculaPeer holder, Mesh mesh)
    {
        Assert.True(RecordContent.Subscriber.TryCreate([TopicPattern.Parse("a")], out var subscriber));
        var (connection, control) = await member.EstablishAsync(holder.LocalEndPoint);
        foreach (var content in new RecordContent[] { subscriber, new RecordContent.Node([NodeAddress.From(member.LocalEndPoint)], []) })
        {
            var record = new RecordSigner(member.Credentials).Sign(content, RecordState.Live, mesh.WallNow.UnixMilliseconds, mesh.WallNow, TimeSpan.FromMinutes(30));
            Assert.Equal(ErrorCode.NoError, await RawDht.AskForErrorAsync(connection, new StoreFrame(record.Record.Bytes).Write));
        }

        await control.DisposeAsync();
        connection.Close(0, "");
    }

    private static Payload Numbered(int number, int bytes)
    {
        var content = new byte[sizeof(int) + bytes];
        BinaryPrimitives.WriteInt32BigEndian(content, number);
        return Payload.FromBytes(content);
    }

    private static int NumberOf(MeshEvent arrived) => BinaryPrimitives.ReadInt32BigEndian(arrived.Payload.Bytes.Span);

    private static void Run(Func<Mesh, MaculaPeer, MaculaPeer, Task> body) => new LoopbackRunner().Run(async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await body(mesh, alice, await mesh.StartAsync(realm, "bob", DhtMember.Client(alice)));
    });
}
