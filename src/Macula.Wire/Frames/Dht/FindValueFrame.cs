using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>Asks for the records under a key, page by page, and for the nodes nearest to it (docs/protocol/03-frames.md [FRM-48]).</summary>
/// <param name="Key">Under what the records stand.</param>
/// <param name="After">The publisher with which the page before ended; null for the first page.</param>
// array: bin key | bin publisher or nil | elements of newer nodes
public sealed record FindValueFrame(DhtKey Key, NodeId? After)
{
    private const int FieldCount = 2;

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.FindValue, FieldCount, PointField.EncodedBytes + PointField.EncodedBytesOf(After));
        PointField.Write(writer, Key);
        PointField.WriteOrNil(writer, After);
    }

    /// <summary>Reads the body of the question.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The question; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out FindValueFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static FindValueFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        PointField.TryReadKey(ref reader, out var key)
            && PointField.TryReadNodeOrNil(ref reader, out var after)
            ? new FindValueFrame(key, after) : null;
}
