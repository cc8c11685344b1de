using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>How far the sender of a DRAIN has come.</summary>
public enum DrainState
{
    /// <summary>It opens no more streams; some that it opened are in use.</summary>
    Finishing = 0,

    /// <summary>It opens no more streams, and none that it opened is in use.</summary>
    Finished = 1,
}

/// <summary>Says on a control stream that its sender opens no more streams on the connection (docs/protocol/03-frames.md [FRM-15]).</summary>
/// <param name="Code">Why, and the code that the connection will be closed with; <see cref="ErrorCode.NoError"/> for one that nobody needs.</param>
/// <param name="State">Whether the streams that the sender opened have finished.</param>
// array: uint code | uint state | elements of newer nodes
public sealed record DrainFrame(ErrorCode Code, DrainState State)
{
    private const int FieldCount = 2;

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.Drain, FieldCount, EncodedBytes.OfInteger((ulong)Code) + EncodedBytes.OfInteger((ulong)State));
        writer.WriteInteger((ulong)Code);
        writer.WriteInteger((ulong)State);
    }

    /// <summary>Reads the body of a DRAIN.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The frame; null when the answer is false.</param>
    /// <param name="error">What is wrong with the frame; the connection ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out DrainFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    // [FRM-15]: a state that is not known counts as finishing, which nobody closes upon.
    private static DrainFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        reader.TryReadUInt64(out var code)
            && reader.TryReadUInt64(out var state)
            ? new DrainFrame(ErrorCodes.FromWire(code), state == 1 ? DrainState.Finished : DrainState.Finishing) : null;
}
