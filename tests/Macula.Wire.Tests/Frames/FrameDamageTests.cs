using Macula.Wire.Frames;
using Macula.Wire.Tests.Vectors;

namespace Macula.Wire.Tests.Frames;

/// <summary>Every truncation and every flipped bit of every golden frame: an error or a valid frame, never an exception, never much memory.</summary>
public sealed class FrameDamageTests
{
    // The reader's first piece, the arrays of the decoded frame and the words of one error.
    private const int FixedBytes = 16 * 1024;

    // A string of UTF-16 beside its UTF-8 and the copy of a body, with room for elements decoded one by one.
    private const int BytesPerInputByte = 16;

    public FrameDamageTests()
    {
        // What the runtime allocates the first time a path is taken is not the frame's.
        foreach (var vector in VectorFile.AcceptedFrames)
        {
            StreamDecoder.Decode(vector.Bytes, out _);
        }

        foreach (var vector in VectorFile.RefusedFrames)
        {
            StreamDecoder.Decode(vector.Bytes, out _);
        }
    }

    // [FRM-4]
    [Fact]
    public void FrameCutAtAnyByteIsNoFrame()
    {
        foreach (var vector in VectorFile.AcceptedFrames)
        {
            for (var length = 1; length < vector.Bytes.Length; length++)
            {
                Assert.Empty(StreamDecoder.Decode(vector.Bytes.AsSpan(0, length), out var error));
                Assert.Equal("FRM-4", error?.Requirement);
            }
        }
    }

    [Fact]
    public void BodyCutAtAnyByteIsAnError()
    {
        foreach (var vector in VectorFile.AcceptedFrames)
        {
            Assert.True(new FrameReader(FrameLimits.MaxBodyBytes).TryRead(vector.Bytes, out _, out var frame));
            for (var length = 0; length < frame.Body.Length; length++)
            {
                Assert.Null(StreamDecoder.DecodeBody(frame with { Body = frame.Body[..length] }, out var error));
                Assert.Contains(error.Requirement, new[] { "MSG-2", "MSG-8" });
            }
        }
    }

    [Fact]
    public void FlippedBitIsAnErrorOrAValidFrame()
    {
        var (flips, refused) = (0, 0);
        foreach (var vector in VectorFile.AcceptedFrames)
        {
            var bytes = vector.Bytes.ToArray();
            for (var bit = 0; bit < 8 * bytes.Length; bit++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));

                var before = GC.GetAllocatedBytesForCurrentThread();
                var decoded = StreamDecoder.Decode(bytes, out var error);
                var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

                Assert.True(allocated <= FixedBytes + (BytesPerInputByte * bytes.Length), $"{vector.Name}, bit {bit}: {allocated} bytes.");
                foreach (var frame in decoded)
                {
                    Assert.Single(StreamDecoder.Decode(StreamDecoder.Encode(frame), out var writtenError));
                    Assert.Null(writtenError);
                }

                flips++;
                refused += error is null ? 0 : 1;
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        Assert.InRange(refused, 1, flips - 1);
    }
}
