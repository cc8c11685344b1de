using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>What changed under a watched key, from the holder to the watcher (docs/protocol/03-frames.md [FRM-54]).</summary>
// array: bin key | array of bin record | elements of newer nodes
public sealed class PushFrame
{
    private const int FieldCount = 2;

    /// <summary>Makes the push.</summary>
    /// <param name="key">The watched key.</param>
    /// <param name="records">The newest record of each publisher that changed, tombstones included; at most a page, see <see cref="RecordsFrame"/>.</param>
    /// <exception cref="ArgumentException">There are more records or bytes.</exception>
    public PushFrame(DhtKey key, ImmutableArray<ReadOnlyMemory<byte>> records)
    {
        RecordList.ThrowIfTooLong(records);
        Key = key;
        Records = records;
    }

    /// <summary>The watched key.</summary>
    public DhtKey Key { get; }

    /// <summary>The records as they came, each to be read with <see cref="SignedRecord.TryRead"/>.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Records { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.Push, FieldCount, PointField.EncodedBytes + RecordList.EncodedBytes(Records));
        PointField.Write(writer, Key);
        RecordList.Write(writer, Records);
    }

    /// <summary>Reads the body of the push.</summary>
    /// <param name="body">The frame's body; the records share its memory.</param>
    /// <param name="frame">The push; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out PushFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static PushFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        PointField.TryReadKey(ref reader, out var key)
            && RecordList.TryRead(ref reader, body, out var records)
            ? new PushFrame(key, records) : null;
}
