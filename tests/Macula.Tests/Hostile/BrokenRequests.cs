using System.Buffers;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Hostile;

/// <summary>What no node sends first on a stream of its own, and the code that the stream ends with.</summary>
internal static class BrokenRequests
{
    public static TheoryData<string, byte[], ErrorCode> All => new()
    {
        { "no MessagePack", [0x10, 0x01, 0xc1], ErrorCode.MalformedFrame },
        { "too few fields", [0x10, 0x02, 0x91, 0x00], ErrorCode.MalformedFrame },
        { "a length of 1 GiB", [0x10, 0xc0, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00], ErrorCode.FrameTooLarge },
        { "cut off in the middle", [.. RawMember.Call().ToArray()[..^3]], ErrorCode.MalformedFrame },
        { "a result instead of a call", [0x11, 0x05, 0x92, 0x00, 0xc4, 0x01, 0xc0], ErrorCode.UnexpectedFrame },
        { "a drain instead of a call", [.. RawMember.Drain(DrainState.Finished).Span], ErrorCode.UnexpectedFrame },
        { "a hello instead of a call", [.. RawMember.Hello().Span], ErrorCode.UnexpectedFrame },
        { "an unknown frame", [0x3f, 0x00], ErrorCode.UnexpectedFrame },
        { "two calls on one stream", [.. RawMember.Call().Span, .. RawMember.Call().Span], ErrorCode.UnexpectedFrame },
        { "nothing", [], ErrorCode.UnexpectedFrame },
        { "arrays nested 100,000 deep", Nested(100_000), ErrorCode.MalformedFrame },
    };

    private static byte[] Nested(int depth)
    {
        // A good call whose array has one element more, as a newer node might add: skipped, but only to the depth limit.
        byte[] good = [.. RawMember.Call().Span];
        Assert.True(FrameHeader.Read(good, out _, out var headerBytes) == OperationStatus.Done);
        byte[] body = [(byte)(good[headerBytes] + 1), .. good[(headerBytes + 1)..], .. Enumerable.Repeat((byte)0x91, depth), 0xc0];
        return [.. RawMember.Bytes(output => new FrameHeader(FrameType.Call, (ulong)body.Length).Write(output)).Span, .. body];
    }
}
