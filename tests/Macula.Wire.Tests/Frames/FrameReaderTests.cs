using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Tests.Vectors;

namespace Macula.Wire.Tests.Frames;

/// <summary>[FRM-1] to [FRM-4]: frames come out the same however the network cuts the stream.</summary>
public sealed class FrameReaderTests
{
    private static readonly byte[] AllFrames = [.. VectorFile.AcceptedFrames.SelectMany(vector => vector.Bytes)];

    [Fact]
    public void MergedFramesComeOutOneByOne()
    {
        var frames = Read(AllFrames, int.MaxValue);

        Assert.Equal(VectorFile.AcceptedFrames.Count, frames.Count);
        Assert.Equal(AllFrames, frames.SelectMany(frame => StreamDecoder.Encode(frame)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1000)]
    public void ChunksOfAnySizeGiveTheSameFrames(int chunkBytes) =>
        Assert.Equal(AllFrames, Read(AllFrames, chunkBytes).SelectMany(frame => StreamDecoder.Encode(frame)));

    [Fact]
    public void FrameSplitAtAnyByteComesOutWhole()
    {
        foreach (var vector in VectorFile.AcceptedFrames)
        {
            for (var split = 0; split <= vector.Bytes.Length; split++)
            {
                var reader = new FrameReader(FrameLimits.MaxBodyBytes);
                var isWhole = reader.TryRead(vector.Bytes.AsSpan(0, split), out var consumed, out var frame);
                Assert.Equal(split, consumed);
                Assert.Equal(split == vector.Bytes.Length, isWhole);
                if (!isWhole)
                {
                    Assert.True(reader.TryRead(vector.Bytes.AsSpan(split), out _, out frame));
                }

                Assert.Equal(vector.Bytes, StreamDecoder.Encode(frame));
            }
        }
    }

    [Fact]
    public void LargestBodyPassesAndOneByteMoreIsRefusedByItsAnnouncement()
    {
        byte[] stream = [.. Header(FrameType.Result, 100_000), .. new byte[100_000]];
        var reader = new FrameReader(100_000);
        Assert.True(reader.TryRead(stream, out var consumed, out var frame));
        Assert.Equal(stream.Length, consumed);
        Assert.Equal(100_000, frame.Body.Length);

        var strict = new FrameReader(99_999);
        Assert.False(strict.TryRead(Header(FrameType.Result, 100_000), out _, out _));
        Assert.Equal(ErrorCode.FrameTooLarge, strict.Error?.Code);
        Assert.Equal("FRM-3", strict.Error?.Requirement);
    }

    [Fact]
    public void AnnouncedLengthCostsNoMemoryUntilBytesCome()
    {
        var header = Header(FrameType.Call, FrameLimits.MaxBodyBytes);
        Read(header, 1);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var stream = 0; stream < 100; stream++)
        {
            var reader = new FrameReader(FrameLimits.MaxBodyBytes);
            reader.TryRead(header, out _, out _);
            reader.TryRead([0x96], out _, out _);
            Assert.Null(reader.Error);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 1400);
    }

    [Fact]
    public void ErrorStaysAndTakesNothingMore()
    {
        var reader = new FrameReader(FrameLimits.MaxBodyBytes);
        Assert.False(reader.TryRead([0x40, 0x10], out _, out _));
        var error = reader.Error;

        Assert.False(reader.TryRead(VectorFile.AcceptedFrames[0].Bytes, out var consumed, out _));
        Assert.Equal(0, consumed);
        Assert.False(reader.TryEnd());
        Assert.Equal(error, reader.Error);
        Assert.Equal("VAR-1", error?.Requirement);
    }

    [Fact]
    public void StreamMayEndBetweenFramesOnly()
    {
        var bytes = VectorFile.AcceptedFrames[0].Bytes;
        for (var length = 0; length <= bytes.Length; length++)
        {
            var reader = new FrameReader(FrameLimits.MaxBodyBytes);
            reader.TryRead(bytes.AsSpan(0, length), out _, out _);
            Assert.Equal(length == 0 || length == bytes.Length, reader.TryEnd());
        }
    }

    [Fact]
    public void FramesOfUnknownTypesComeOutUndecoded()
    {
        var frame = Assert.Single(Read([.. Header((FrameType)Varint.MaxValue, 3), 1, 2, 3], 1));
        Assert.Equal(Varint.MaxValue, (ulong)frame.Type);
        Assert.Equal(new byte[] { 1, 2, 3 }, frame.Body.ToArray());
    }

    private static byte[] Header(FrameType type, int bodyBytes)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        new FrameHeader(type, (ulong)bodyBytes).Write(output);
        return output.WrittenSpan.ToArray();
    }

    private static List<Frame> Read(ReadOnlySpan<byte> stream, int chunkBytes)
    {
        var reader = new FrameReader(FrameLimits.MaxBodyBytes);
        var frames = new List<Frame>();
        while (!stream.IsEmpty)
        {
            var chunk = stream[..Math.Min(chunkBytes, stream.Length)];
            stream = stream[chunk.Length..];
            while (reader.TryRead(chunk, out var consumed, out var frame))
            {
                frames.Add(frame);
                chunk = chunk[consumed..];
            }

            Assert.Null(reader.Error);
        }

        return frames;
    }
}
