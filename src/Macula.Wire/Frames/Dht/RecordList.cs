using System.Collections.Immutable;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>Records on the wire: an array of binaries, each looked at by who wants it (docs/protocol/03-frames.md [FRM-43]).</summary>
internal static class RecordList
{
    public static void ThrowIfTooLong(ImmutableArray<ReadOnlyMemory<byte>> records)
    {
        if (records.IsDefault || records.Length > RecordsFrame.MaxRecords || records.Sum(record => record.Length) > RecordsFrame.MaxPageBytes)
        {
            throw new ArgumentException($"There are at most {RecordsFrame.MaxRecords} records of {RecordsFrame.MaxPageBytes} bytes together.", nameof(records));
        }
    }

    public static int EncodedBytes(ImmutableArray<ReadOnlyMemory<byte>> records) =>
        MessagePack.EncodedBytes.OfContainerHeader(records.Length) + records.Sum(record => MessagePack.EncodedBytes.OfBinary(record.Length));

    public static bool TryRead(ref MessagePackReader reader, ReadOnlyMemory<byte> body, out ImmutableArray<ReadOnlyMemory<byte>> records)
    {
        records = default;
        if (!reader.TryEnterArray(out var count))
        {
            return false;
        }

        // What the array announces is looked at before what is in it.
        if (count > RecordsFrame.MaxRecords)
        {
            return reader.Fail(PageTooLarge);
        }

        var builder = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>(count);
        var pageBytes = 0;
        for (var index = 0; index < count; index++)
        {
            if (!TryReadOne(ref reader, body, out var record))
            {
                return false;
            }

            pageBytes += record.Length;
            if (pageBytes > RecordsFrame.MaxPageBytes)
            {
                return reader.Fail(PageTooLarge);
            }

            builder.Add(record);
        }

        reader.Leave();
        records = builder.MoveToImmutable();
        return true;
    }

    public static bool TryReadOne(ref MessagePackReader reader, ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> record)
    {
        var read = reader.TryReadBinary(SignedRecord.MaxBytes, out var bytes);
        record = read ? body.Slice(reader.Consumed - bytes.Length, bytes.Length) : default;
        return read;
    }

    public static void Write(MessagePackWriter writer, ImmutableArray<ReadOnlyMemory<byte>> records)
    {
        writer.WriteArrayHeader(records.Length);
        foreach (var record in records)
        {
            writer.WriteBinary(record.Span);
        }
    }

    private static readonly Errors.ProtocolError PageTooLarge = FrameFault.Malformed("FRM-43", "a page has more records or bytes than may be");
}
