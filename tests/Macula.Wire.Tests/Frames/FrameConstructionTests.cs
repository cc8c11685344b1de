using System.Text;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Tests.Vectors;
using Macula.Wire.Time;

namespace Macula.Wire.Tests.Frames;

/// <summary>What the local side may not send is refused where it is made, before a byte goes out.</summary>
public sealed class FrameConstructionTests
{
    private static readonly ProcedureName Echo = ProcedureName.Parse("echo");

    [Fact]
    public void CallRoundsItsTimeUpToWholeMilliseconds()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(1), new CallFrame(Echo, TimeSpan.FromTicks(1), Payload.Nil).TimeLeft);
        Assert.Equal(TimeSpan.FromMilliseconds(2), new CallFrame(Echo, TimeSpan.FromMilliseconds(1.5), Payload.Nil).TimeLeft);
        Assert.Equal(CallFrame.MaxTimeLeft, new CallFrame(Echo, CallFrame.MaxTimeLeft, Payload.Nil).TimeLeft);
    }

    [Fact]
    public void CallOutsideItsLimitsCannotBeMade()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallFrame(Echo, TimeSpan.Zero, Payload.Nil));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallFrame(Echo, CallFrame.MaxTimeLeft + TimeSpan.FromTicks(1), Payload.Nil));
        Assert.Throws<ArgumentException>(() => new CallFrame(Echo, TimeSpan.FromSeconds(1), Payload.Nil, CallFlags.None, "00-abc"));
    }

    // [FRM-24]
    [Fact]
    public void FaultsThatAnErrorFrameMayAnswerAreThoseOfAWellFramedCall()
    {
        string[] answerable = [.. VectorFile.RefusedFrames.Where(vector => vector.Bytes[0] == (byte)FrameType.Call).Select(CodeOf).Where(code => code != ErrorCode.MalformedFrame && code != ErrorCode.FrameTooLarge).Distinct().Select(code => code.ToString())];
        Assert.Equal([nameof(ErrorCode.UnknownContentType), nameof(ErrorCode.InvalidName)], answerable);

        static ErrorCode CodeOf(RefusedVector vector)
        {
            StreamDecoder.Decode(vector.Bytes, out var error);
            return error!.Value.Code;
        }
    }

    // [FRM-32]
    [Fact]
    public void LongMessageOfAnErrorIsCutBetweenCharacters()
    {
        foreach (var character in new[] { "m", "ö", "日", "🌍" })
        {
            foreach (var offset in new[] { "", "a", "ab", "abc" })
            {
                var frame = new ErrorFrame(ErrorCode.HandlerFailed, offset + string.Concat(Enumerable.Repeat(character, 2000)), CallExecution.Started);

                Assert.InRange(Encoding.UTF8.GetByteCount(frame.Message), ErrorFrame.MaxMessageBytes - 3, ErrorFrame.MaxMessageBytes);
                Assert.EndsWith(character + "…", frame.Message, StringComparison.Ordinal);
                Assert.Equal(frame, Assert.Single(StreamDecoder.Decode(StreamDecoder.Encode(frame), out _)));
            }
        }
    }

    [Fact]
    public void HalfASurrogatePairInAnErrorIsReplaced() =>
        Assert.Equal("a\ufffdb", new ErrorFrame(ErrorCode.HandlerFailed, "a\ud800b", CallExecution.Started).Message);

    [Fact]
    public void ErrorWithoutAnErrorCannotBeMade() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ErrorFrame(ErrorCode.NoError, "", CallExecution.Started));

    [Fact]
    public void HelloOutsideItsLimitsCannotBeMade()
    {
        Assert.Throws<ArgumentException>(() => new HelloFrame([], 1, [], ""));
        Assert.Throws<ArgumentException>(() => new HelloFrame([1, 2, 3, 4, 5, 6, 7, 8, 9], 1, [], ""));
        Assert.Throws<ArgumentException>(() => new HelloFrame([1], 1, [""], ""));
        Assert.Throws<ArgumentException>(() => new HelloFrame([1], 1, [new string('f', 65)], ""));
        Assert.Throws<ArgumentException>(() => new HelloFrame([1], 1, [.. Enumerable.Repeat("f", 65)], ""));
        Assert.Throws<ArgumentException>(() => new HelloFrame([1], 1, [], new string('a', 129)));
        Assert.ThrowsAny<ArgumentException>(() => new HelloFrame([1], 1, ["\ud800"], ""));
    }

    // [FRM-12]
    [Fact]
    public void TwoNodesChooseTheHighestVersionThatBothName()
    {
        var old = new HelloFrame([1], 1, [], "");
        var both = new HelloFrame([2, 1, 3], 1, [], "");
        var future = new HelloFrame([3, 4], 1, [], "");

        Assert.Equal(1u, old.ChooseVersion(both.Versions));
        Assert.Equal(1u, both.ChooseVersion(old.Versions));
        Assert.Equal(3u, both.ChooseVersion(future.Versions));
        Assert.Equal(3u, future.ChooseVersion(both.Versions));
        Assert.Null(old.ChooseVersion(future.Versions));
    }

    [Fact]
    public void PayloadAboveItsLimitCannotBeMade()
    {
        Assert.Equal(Payload.MaxBytes, Payload.FromBytes(new byte[Payload.MaxBytes]).Bytes.Length);
        Assert.Equal(ErrorCode.PayloadTooLarge, Assert.Throws<MaculaException>(() => Payload.FromBytes(new byte[Payload.MaxBytes + 1])).Code);
        Assert.Equal(ErrorCode.PayloadTooLarge, Assert.Throws<MaculaException>(() => Payload.FromValue(MeshValue.Binary(new byte[Payload.MaxBytes]))).Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Payload((ContentType)3, default));
    }

    [Fact]
    public void EventOutsideItsLimitsCannotBeMade()
    {
        var topic = TopicName.Parse("sensor.load");
        Assert.Throws<ArgumentOutOfRangeException>(() => Event(0, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Event(1, -1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Event(1, 253_402_300_800_000, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Event(1, 0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Event(1, 0, EventFrame.MaxHopsLeft + 1));
        Assert.Throws<ArgumentException>(() => new EventFrame(topic, new EventId(default, 0, 1), default, 0, Payload.Nil, "00-abc"));

        EventFrame Event(long sequence, long published, int hops) => new(topic, new EventId(default, 0, sequence), new WallTime(published), hops, Payload.Nil);
    }

    // [FRM-6]
    [Fact]
    public void LargestPayloadFitsAnEventWithEverythingElseAtItsLimit()
    {
        var happened = new EventFrame(
            TopicName.Parse(new string('t', TopicName.MaxBytes)),
            new EventId(default, ulong.MaxValue, long.MaxValue),
            new WallTime(253_402_300_799_999),
            EventFrame.MaxHopsLeft,
            Payload.FromBytes(new byte[Payload.MaxBytes]),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

        Assert.Equal(happened, Assert.Single(StreamDecoder.Decode(StreamDecoder.Encode(happened), out _)));
    }

    // [FRM-6]
    [Fact]
    public void LargestPayloadFitsACallWithEverythingElseAtItsLimit()
    {
        var longestName = ProcedureName.Parse(new string('p', ProcedureName.MaxBytes));
        var call = new CallFrame(longestName, CallFrame.MaxTimeLeft, Payload.FromBytes(new byte[Payload.MaxBytes]), CallFlags.Idempotent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

        Assert.Equal(call, Assert.Single(StreamDecoder.Decode(StreamDecoder.Encode(call), out _)));
    }

    // [FRM-6]
    [Fact]
    public void PayloadAboveItsLimitFromAPeerHasItsOwnCode()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(2);
        writer.WriteInteger(2);
        writer.WriteBinary(new byte[Payload.MaxBytes + 1]);

        Assert.False(ResultFrame.TryRead(output.WrittenMemory, out _, out var error));
        Assert.Equal(ErrorCode.PayloadTooLarge, error.Code);
    }

    [Fact]
    public void PayloadReadsAsAValueWhateverItsContentType()
    {
        var expected = MeshValue.Map(("a", 5), ("b", 3.5));
        Assert.Equal(expected, Payload.FromValue(expected).ToValue());
        Assert.Equal(expected, Payload.FromJson("""{"a": 5, "b": 3.5}""").ToValue());
        Assert.Equal(MeshValue.Binary([1, 2]), Payload.FromBytes(new byte[] { 1, 2 }).ToValue());
        Assert.True(Payload.Nil.ToValue().IsNil);
    }

    [Fact]
    public void PayloadThatIsNotWhatItSaysIsAnInvalidArgument()
    {
        foreach (var payload in new[] { new Payload(ContentType.MessagePack, new byte[] { 0xc1 }), new Payload(ContentType.Json, "{"u8.ToArray()) })
        {
            Assert.False(payload.TryToValue(out _, out var error));
            Assert.Contains(error.Requirement, Assert.Throws<MeshValueException>(() => payload.ToValue()).Message, StringComparison.Ordinal);
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<MeshValueException>(() => payload.ToValue()).Code);
        }

        Assert.Throws<FormatException>(() => Payload.FromJson("{a: 5}"));
    }
}
