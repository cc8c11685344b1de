using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>The shape that frames with an array as body share (docs/protocol/03-frames.md [FRM-5]).</summary>
internal static class FrameFields
{
    /// <summary>Reads the fields of one type of frame; null when the reader has failed.</summary>
    /// <param name="reader">Stands before the first field.</param>
    /// <param name="body">What it reads, for fields that share its memory.</param>
    public delegate T? FieldsReader<out T>(ref MessagePackReader reader, ReadOnlyMemory<byte> body)
        where T : class;

    /// <summary>Reads a whole body: its fields, then what a newer node appended.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="fieldCount">How many fields the type has today.</param>
    /// <param name="fields">Reads those fields.</param>
    /// <param name="frame">The frame; null when the answer is false.</param>
    /// <param name="error">What is wrong; default when the answer is true.</param>
    public static bool TryRead<T>(ReadOnlyMemory<byte> body, int fieldCount, FieldsReader<T> fields, [NotNullWhen(true)] out T? frame, out ProtocolError error)
        where T : class
    {
        var reader = new MessagePackReader(body.Span, FrameLimits.Body);
        frame = TryEnter(ref reader, fieldCount, out var elementCount) && fields(ref reader, body) is { } read && TryLeave(ref reader, fieldCount, elementCount) ? read : null;
        error = reader.Error.GetValueOrDefault();
        return frame is not null;
    }

    /// <summary>Enters the array; it has at least the fields that the type has today.</summary>
    public static bool TryEnter(ref MessagePackReader reader, int fieldCount, out int elementCount) =>
        reader.TryEnterArray(out elementCount) && (elementCount >= fieldCount || reader.Fail(FrameFault.TooFewElements));

    /// <summary>Passes over the elements that a newer node appended, and sees that nothing follows the array.</summary>
    public static bool TryLeave(ref MessagePackReader reader, int fieldCount, int elementCount)
    {
        for (var index = fieldCount; index < elementCount; index++)
        {
            if (!reader.TrySkip())
            {
                return false;
            }
        }

        reader.Leave();
        return reader.TryEnd();
    }

    /// <summary>Writes a frame's header and begins the array.</summary>
    public static MessagePackWriter Begin(IBufferWriter<byte> output, FrameType type, int fieldCount, int fieldBytes)
    {
        new FrameHeader(type, (ulong)(EncodedBytes.OfContainerHeader(fieldCount) + fieldBytes)).Write(output);
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(fieldCount);
        return writer;
    }
}
