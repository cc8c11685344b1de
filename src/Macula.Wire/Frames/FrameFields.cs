using System.Buffers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>The shape that frames with an array as body share (docs/protocol/03-frames.md [FRM-5]).</summary>
internal static class FrameFields
{
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
