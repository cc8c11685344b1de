using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

// array: uint content type | bin content | elements of newer nodes
/// <summary>What a call returned (docs/protocol/03-frames.md [FRM-30]).</summary>
/// <param name="Value">What the handler returned.</param>
public sealed record ResultFrame(Payload Value)
{
    private const int FieldCount = 2;

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output) => Value.Write(FrameFields.Begin(output, FrameType.Result, FieldCount, Value.EncodedBytes));

    /// <summary>Reads the body of a result.</summary>
    /// <param name="body">The frame's body; the value shares its memory, unless there is much else in it.</param>
    /// <param name="frame">The result; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out ResultFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static ResultFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        Payload.TryRead(ref reader, body, out var value) ? new ResultFrame(value!) : null;
}
