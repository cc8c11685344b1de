using System.Buffers;
using System.Buffers.Binary;
using Macula.PubSub;
using Macula.Tests.Dht;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Tests.PubSub;

/// <summary>What a subscriber answers to a member whose events break the rules, on every transport: [PUB-6] to [PUB-11].</summary>
public abstract class HostilePublisherContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    private const ulong Instance = 7;

    // The end of an event: content type, a binary of the one byte nil (three bytes), and no trace parent.
    private const int PayloadBytes = 5;

    // What a node logs of others' violations.
    private const int Violation = 1004;

    [Fact]
    public void AnEventOfAnotherNodeEndsTheLane() => EndsTheLane(ErrorCode.NotPermitted, (self, other) => Event(self with { Publisher = other.Publisher, Sequence = 2 })); // [PUB-9]

    [Fact]
    public void AnEventOfAnotherEpochEndsTheLane() => EndsTheLane(ErrorCode.UnexpectedFrame, (self, _) => Event(self with { Epoch = Instance + 1, Sequence = 2 })); // [PUB-10]

    [Fact]
    public void ASequenceThatDoesNotRiseEndsTheLane() => EndsTheLane(ErrorCode.UnexpectedFrame, (self, _) => Event(self)); // [PUB-11]

    [Fact]
    public void GarbageBehindAnEventEndsTheLane() => EndsTheLane(ErrorCode.MalformedFrame, (self, _) => // [PUB-7]
    {
        byte[] bytes = [.. Event(self with { Sequence = 2 }).Span];
        bytes[^2] = 0xc1;
        Array.Fill(bytes, (byte)0xc1, 4, bytes.Length - 4);
        return bytes;
    });

    [Fact]
    public void AnotherFrameOnALaneEndsIt() => EndsTheLane(ErrorCode.UnexpectedFrame, (_, _) => RawMember.Call()); // [FRM-65]

    [Fact]
    public void AnUnknownFrameOnALaneEndsIt() => EndsTheLane(ErrorCode.UnexpectedFrame, (_, _) => new byte[] { 0x3f, 0x00 }); // [FRM-65]

    [Fact]
    public void AnEventThatIsTooLargeEndsTheLane() => EndsTheLane(ErrorCode.FrameTooLarge, (_, _) => // [FRM-3]
        RawMember.Bytes(output => new FrameHeader(FrameType.Event, FrameLimits.MaxBodyBytes + 1).Write(output)));

    [Fact]
    public void ATopicThatIsNoNameEndsTheLane() => EndsTheLane(ErrorCode.InvalidName, (self, _) => // [FRM-60]
    {
        byte[] bytes = [.. Event(self with { Sequence = 2 }).Span];
        bytes[bytes.AsSpan().IndexOf("load"u8)] = (byte)' ';
        return bytes;
    });

    [Fact]
    public void AnUnknownContentTypeEndsTheLane() => EndsTheLane(ErrorCode.UnknownContentType, (self, _) => // [FRM-6]
    {
        byte[] bytes = [.. Event(self with { Sequence = 2 }).Span];
        bytes[^PayloadBytes] = 99;
        return bytes;
    });

    [Fact]
    public void APayloadThatIsTooLargeEndsTheLane() => EndsTheLane(ErrorCode.PayloadTooLarge, (self, _) => // [FRM-6]
    {
        byte[] good = [.. Event(self with { Sequence = 2 }).Span];
        Assert.Equal(OperationStatus.Done, FrameHeader.Read(good, out FrameHeader _, out var headerBytes));
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, Payload.MaxBytes + 1);
        byte[] body = [.. good[headerBytes..^(PayloadBytes - 1)], 0xc6, .. length, .. new byte[Payload.MaxBytes + 1], 0xc0];
        return (byte[])[.. RawMember.Bytes(output => new FrameHeader(FrameType.Event, (ulong)body.Length).Write(output)).Span, .. body];
    });

    [Fact]
    public void TheSeventeenthLaneIsRefusedAndTheOthersGoOn() => Run(async (mesh, alice, subscription, mallory) => // [PUB-6]
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint, Instance);
        var id = new EventId(mallory.Identity.NodeId, Instance, 1);
        var lanes = new List<TransportStream>();
        for (var lane = 0; lane < EventLanes.MaxPerConnection; lane++)
        {
            lanes.Add(await RawMember.SendAsync(connection, Event(id with { Sequence = lane + 1 }), WriteEnd.KeepOpen));
            await TakeAsync(subscription, lane + 1);
        }

        var surplus = await RawMember.SendAsync(connection, Event(id with { Sequence = 100 }), WriteEnd.KeepOpen);
        Assert.Equal(ErrorCode.LimitExceeded, await ReadErrorAsync(surplus));

        await lanes[^1].WriteAsync(Event(id with { Sequence = 101 }), WriteEnd.Finish);
        await TakeAsync(subscription, 101);
        Assert.Equal(FrameType.Done, (await RawMember.ReadAnswerAsync(lanes[^1])).Type);

        // Its place is free again.
        var next = await RawMember.SendAsync(connection, Event(id with { Sequence = 102 }), WriteEnd.Finish);
        await TakeAsync(subscription, 102);
        Assert.Equal(FrameType.Done, (await RawMember.ReadAnswerAsync(next)).Type);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == Violation);
    });

    [Fact]
    public void ALaneThatIsCutOffInTheMiddleOfAnEventEnds() => Run(async (_, alice, subscription, mallory) => // [PUB-7]
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint, Instance);
        var id = new EventId(mallory.Identity.NodeId, Instance, 1);
        byte[] bytes = [.. Event(id).Span, .. Event(id with { Sequence = 2 }).Span[..^3]];

        var lane = await RawMember.SendAsync(connection, bytes);

        Assert.Equal(ErrorCode.MalformedFrame, await ReadErrorAsync(lane));
        await TakeAsync(subscription, 1);
        await PublishesAsync(connection, subscription, id with { Sequence = 3 });
    });

    [Fact]
    public void ALaneThatIsResetGivesItsPlaceBack() => Run(async (_, alice, subscription, mallory) => // [PUB-6]
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint, Instance);
        var id = new EventId(mallory.Identity.NodeId, Instance, 0);
        for (var round = 1; round <= 2 * EventLanes.MaxPerConnection; round++)
        {
            var lane = await RawMember.SendAsync(connection, Event(id with { Sequence = round }), WriteEnd.KeepOpen);
            await TakeAsync(subscription, round);
            lane.Reset((ulong)ErrorCode.Cancelled);

            // Its end has been seen when the other side has let go of its own half as well.
            await Assert.ThrowsAsync<StreamAbortedException>(async () => await lane.ReadAsync(new byte[1]));
        }

        await PublishesAsync(connection, subscription, id with { Sequence = 1000 });
    });

    private static void EndsTheLane(ErrorCode code, Func<EventId, EventId, ReadOnlyMemory<byte>> second) => Run(async (mesh, alice, subscription, mallory) =>
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint, Instance);
        var id = new EventId(mallory.Identity.NodeId, Instance, 1);
        var other = id with { Publisher = alice.Self.NodeId };
        var steady = await RawMember.SendAsync(connection, Event(id), WriteEnd.KeepOpen);
        await TakeAsync(subscription, 1);
        var lane = await RawMember.SendAsync(connection, Event(id with { Sequence = 2 }), WriteEnd.KeepOpen);
        await TakeAsync(subscription, 2);

        try
        {
            await lane.WriteAsync((byte[])[.. second(id, other).Span, .. Event(id with { Sequence = 50 }).Span]);
        }
        catch (StreamAbortedException)
        {
            // Alice wants no more of a long one before all of it is sent; the answer says why.
        }

        // The answer says why, nothing behind it is taken, and whoever wrote it is counted once.
        Assert.Equal(code, await ReadErrorAsync(lane));
        Assert.Equal((ulong)code, await lane.WaitForWritesClosedAsync());
        await steady.WriteAsync(Event(id with { Sequence = 60 }));
        await TakeAsync(subscription, 60);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == Violation);
    });

    private static async Task PublishesAsync(TransportConnection connection, Subscription subscription, EventId id)
    {
        var lane = await RawMember.SendAsync(connection, Event(id));
        await TakeAsync(subscription, id.Sequence);
        Assert.Equal(FrameType.Done, (await RawMember.ReadAnswerAsync(lane)).Type);
    }

    private static async Task TakeAsync(Subscription subscription, long sequence) =>
        Assert.Equal(sequence, (await SimulatedPubSubTests.NextAsync(subscription)).Id.Sequence);

    private static async Task<ErrorCode> ReadErrorAsync(TransportStream lane)
    {
        var answer = await RawMember.ReadAnswerAsync(lane);
        Assert.True(ErrorFrame.TryRead(answer.Body, out var error, out ProtocolError _));
        Assert.Equal(CallExecution.NotStarted, error!.Execution);
        return error.Code;
    }

    private static ReadOnlyMemory<byte> Event(EventId id) =>
        RawMember.Bytes(new EventFrame(TopicName.Parse("sensor.load"), id, new Wire.Time.WallTime(0), 0, Payload.Nil).Write);

    private static void Run(Func<Mesh, MaculaPeer, Subscription, RawMember, Task> body) => new TRunner().Run(async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await using var subscription = await alice.SubscribeAsync("sensor.*");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        await body(mesh, alice, subscription, mallory);

        // Whatever mallory did, everybody else is heard.
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(alice));
        var receipt = await bob.PublishAsync("sensor.load", 1);
        Assert.Equal(receipt.Id, (await SimulatedPubSubTests.NextAsync(subscription)).Id);
    });
}

public sealed class SimulatedHostilePublishers : HostilePublisherContract<SimulatedRunner>;

public sealed class LoopbackHostilePublishers : HostilePublisherContract<LoopbackRunner>;
