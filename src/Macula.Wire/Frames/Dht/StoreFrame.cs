using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>Asks a node to hold a record (docs/protocol/03-frames.md [FRM-50]). A withdrawal is the same with a tombstone.</summary>
// array: bin record | elements of newer nodes
public sealed class StoreFrame
{
    private const int FieldCount = 1;

    /// <summary>Makes the request.</summary>
    /// <param name="record">The record's bytes.</param>
    /// <exception cref="ArgumentException">It has more than <see cref="Records.SignedRecord.MaxBytes"/> bytes.</exception>
    public StoreFrame(ReadOnlyMemory<byte> record)
    {
        if (record.Length > Records.SignedRecord.MaxBytes)
        {
            throw new ArgumentException($"A record has at most {Records.SignedRecord.MaxBytes} bytes, not {record.Length}.", nameof(record));
        }

        Record = record;
    }

    /// <summary>The record's bytes, not looked at.</summary>
    public ReadOnlyMemory<byte> Record { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output) =>
        FrameFields.Begin(output, FrameType.Store, FieldCount, EncodedBytes.OfBinary(Record.Length)).WriteBinary(Record.Span);

    /// <summary>Reads the body of the request.</summary>
    /// <param name="body">The frame's body; the record shares its memory.</param>
    /// <param name="frame">The request; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out StoreFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static StoreFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        RecordList.TryReadOne(ref reader, body, out var record) ? new StoreFrame(record) : null;
}
