using Macula.Wire.Errors;

namespace Macula.Wire.Frames;

/// <summary>What can be wrong with a frame, each with its requirement in docs/protocol/03-frames.md.</summary>
internal static class FrameFault
{
    public static readonly ProtocolError OverlongVarint = Malformed("VAR-1", "a variable-length integer is longer than it needs to be");
    public static readonly ProtocolError Truncated = Malformed("FRM-4", "the stream ended within a frame");
    public static readonly ProtocolError TooLong = new(ErrorCode.FrameTooLarge, "FRM-3", "a frame announces a body above the limit");
    public static readonly ProtocolError TooFewElements = Malformed("FRM-5", "a frame has fewer elements than its type has fields");

    public static ProtocolError Malformed(string requirement, string detail) => new(ErrorCode.MalformedFrame, requirement, detail);
}
