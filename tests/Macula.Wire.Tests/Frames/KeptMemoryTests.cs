using System.Buffers;
using System.Runtime.InteropServices;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Wire.Tests.Frames;

/// <summary>What a node keeps of a frame does not keep the frame: who sends ballast with it makes nobody's tables larger than their limits say.</summary>
public sealed class KeptMemoryTests
{
    private const int BallastBytes = 100_000;

    // [FRM-5] [REC-14]
    [Fact]
    public void RecordKeepsItsOwnBytesAlone()
    {
        var content = new RecordContent.Provider(ProcedureName.Parse("math.add"), 1, 0);
        var body = new RecordBody(default, default, default, 1, new WallTime(0), RecordBody.MinTimeToLive, RecordState.Live, content);
        var sent = SignedRecord.Join(body, new byte[SignedRecord.SignatureBytes]).Bytes;
        var frame = WithBallast(new PushFrame(body.Key, [sent]).Write);
        Assert.True(PushFrame.TryRead(frame, out var push, out _));
        Assert.True(SignedRecord.TryRead(push.Records[0], out var record, out _));

        Assert.Equal(sent.Length, MemoryBehind(record.Bytes));
        Assert.Equal(sent.ToArray(), record.Bytes.ToArray());
    }

    // [FRM-5] [FRM-56]
    [Fact]
    public void CertificateKeepsItsOwnBytesAlone()
    {
        Assert.True(CertificateFrame.TryRead(WithBallast(new CertificateFrame(new byte[700]).Write), out var frame, out _));

        Assert.Equal(700, MemoryBehind(frame.Certificate));
    }

    // [FRM-5] [PUB-14]
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(50_000)]
    public void PayloadThatCameWithBallastKeepsItsOwnBytesAlone(int payloadBytes)
    {
        var payload = Payload.FromBytes(new byte[payloadBytes]);
        var written = new EventFrame(TopicName.Parse("sensor.load"), new EventId(default, 1, 1), new WallTime(0), 0, payload);
        Assert.True(EventFrame.TryRead(WithBallast(written.Write), out var arrived, out _));

        Assert.Equal(payloadBytes, MemoryBehind(arrived.Payload.Bytes));
    }

    [Fact]
    public void PayloadThatCameWithoutBallastIsNotCopied()
    {
        var body = BodyOf(new EventFrame(TopicName.Parse("sensor.load"), new EventId(default, 1, 1), new WallTime(0), 0, Payload.FromBytes(new byte[5000])).Write);
        Assert.True(EventFrame.TryRead(body, out var arrived, out _));

        Assert.Equal(body.Length, MemoryBehind(arrived.Payload.Bytes));
    }

    private static int MemoryBehind(ReadOnlyMemory<byte> memory) => MemoryMarshal.TryGetArray(memory, out var segment) ? segment.Array!.Length : throw new InvalidOperationException("An array was expected.");

    private static byte[] BodyOf(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        Assert.Equal(OperationStatus.Done, FrameHeader.Read(output.WrittenSpan, out _, out var headerBytes));
        return output.WrittenSpan[headerBytes..].ToArray();
    }

    // An element more than the type has, as a newer node would send it.
    private static byte[] WithBallast(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write(BodyOf(write));
        new MessagePackWriter(output).WriteBinary(new byte[BallastBytes]);
        var body = output.WrittenSpan.ToArray();
        body[0]++;
        return body;
    }
}
