using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>Answers a STORE: the record is held, or a newer one is, which comes with the answer (docs/protocol/03-frames.md [FRM-51]).</summary>
// array: nil or bin record that is held instead | elements of newer nodes
public sealed class StoredFrame
{
    private const int FieldCount = 1;

    /// <summary>Makes the answer.</summary>
    /// <param name="heldInstead">The bytes of the newer record that is held; null when the record that was sent is.</param>
    /// <exception cref="ArgumentException">It has more than <see cref="Records.SignedRecord.MaxBytes"/> bytes.</exception>
    public StoredFrame(ReadOnlyMemory<byte>? heldInstead)
    {
        if (heldInstead is { Length: > Records.SignedRecord.MaxBytes and var length })
        {
            throw new ArgumentException($"A record has at most {Records.SignedRecord.MaxBytes} bytes, not {length}.", nameof(heldInstead));
        }

        HeldInstead = heldInstead;
    }

    /// <summary>The newer record that is held, not looked at; null when the record that was sent is.</summary>
    public ReadOnlyMemory<byte>? HeldInstead { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.Stored, FieldCount, HeldInstead is { } held ? EncodedBytes.OfBinary(held.Length) : 1);
        if (HeldInstead is { } record)
        {
            writer.WriteBinary(record.Span);
        }
        else
        {
            writer.WriteNil();
        }
    }

    /// <summary>Reads the body of the answer.</summary>
    /// <param name="body">The frame's body; the record shares its memory.</param>
    /// <param name="frame">The answer; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out StoredFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static StoredFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        TryReadHeld(ref reader, body, out var held) ? new StoredFrame(held) : null;

    private static bool TryReadHeld(ref MessagePackReader reader, ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte>? held)
    {
        held = null;
        if (!reader.TryPeek(out var kind))
        {
            return false;
        }

        if (kind == MessagePackKind.Nil)
        {
            return reader.TryReadNil();
        }

        var read = RecordList.TryReadOne(ref reader, body, out var record);
        held = read ? (ReadOnlyMemory<byte>?)record : null;
        return read;
    }
}
