using System.Buffers;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Time;

namespace Macula.Wire.Records;

/// <summary>Whether a record says that something is so, or takes back what earlier ones of its publisher said.</summary>
public enum RecordState
{
    /// <summary>The content holds.</summary>
    Live,

    /// <summary>The content no longer holds: a tombstone.</summary>
    Withdrawn,
}

/// <summary>What a publisher signs: a record's fields, without the signature (docs/protocol/09-records.md [REC-2] to [REC-6]).</summary>
/// <param name="Realm">The realm to which the record belongs.</param>
/// <param name="Publisher">Who publishes it.</param>
/// <param name="Certificate">The publisher's certificate, by its hash.</param>
/// <param name="Sequence">Greater for each later record of this publisher under this key; 0 to 2^63 - 1.</param>
/// <param name="Issued">When it was made, by the publisher's clock; not before 1970.</param>
/// <param name="TimeToLive">How long it holds from then on, in whole seconds; <see cref="MinTimeToLive"/> to <see cref="MaxTimeToLive"/>.</param>
/// <param name="State">Live or withdrawn.</param>
/// <param name="Content">What it says.</param>
// array: uint kind | bin realm id | bin key | bin publisher | bin certificate hash | uint sequence | uint issued (Unix ms) | uint time to live (s)
//        | bool withdrawn | array content
public sealed record RecordBody(
    RealmId Realm, NodeId Publisher, CertificateHash Certificate, long Sequence, WallTime Issued, TimeSpan TimeToLive, RecordState State, RecordContent Content)
{
    /// <summary>The shortest time to live: 1 minute.</summary>
    // Republishing at half of less than that would cost more than asking.
    public static TimeSpan MinTimeToLive { get; } = TimeSpan.FromMinutes(1);

    /// <summary>The longest time to live: 24 hours.</summary>
    public static TimeSpan MaxTimeToLive { get; } = TimeSpan.FromDays(1);

    // Header of the array | kind | realm id | key | publisher | certificate hash | sequence | issued | time to live | withdrawn
    internal const int MaxFrameBytes = 1 + 1 + (2 + RealmId.ByteCount) + (2 + DhtKey.ByteCount) + (2 + NodeId.ByteCount) + (2 + CertificateHash.ByteCount) + 9 + 9 + 5 + 1;

    private const int FieldCount = 10;

    /// <summary>The key under which the record stands; it follows from realm, publisher and content.</summary>
    public DhtKey Key => Content.KeyIn(Realm, Publisher);

    /// <summary>When the record ends, by the publisher's clock.</summary>
    public WallTime Expires => Issued + TimeToLive;

    /// <summary>The bytes that stand in the record, in the one form that they have.</summary>
    /// <exception cref="ArgumentException">A field is outside its range; the message says which.</exception>
    public byte[] Encode()
    {
        if (FindFault() is { } fault)
        {
            throw new ArgumentException(fault);
        }

        var output = new ArrayBufferWriter<byte>(SignedRecord.MaxBytes);
        Write(output);
        return output.WrittenSpan.ToArray();
    }

    internal static RecordBody? Read(ref MessagePackReader reader)
    {
        if (!reader.TryEnterArray(out var count) || (count != FieldCount && !reader.Fail(RecordFault.NotCanonical)) || !reader.TryReadUInt32(out var kind)
            || !TryReadRealm(ref reader, out var realm) || !PointField.TryReadKey(ref reader, out var key) || !PointField.TryReadNode(ref reader, out var publisher)
            || !TryReadHash(ref reader, out var certificate) || !reader.TryReadInt64(out var sequence) || !reader.TryReadInt64(out var issued)
            || !reader.TryReadUInt32(out var seconds) || !reader.TryReadBoolean(out var isWithdrawn)
            || RecordContentReader.Read(ref reader, kind) is not { } content)
        {
            return null;
        }

        reader.Leave();
        if (!reader.TryEnd())
        {
            return null;
        }

        var state = isWithdrawn ? RecordState.Withdrawn : RecordState.Live;
        var body = new RecordBody(realm, publisher, certificate, sequence, new WallTime(issued), TimeSpan.FromSeconds(seconds), state, content);
        // [REC-6]: who asks for one key is never given what belongs under another.
        return body.Key != key ? Refuse(ref reader, RecordFault.Key)
            : body.TimeToLive < MinTimeToLive || body.TimeToLive > MaxTimeToLive ? Refuse(ref reader, RecordFault.TimeToLive)
            : body.FindFault() is not null ? Refuse(ref reader, RecordFault.Fields)
            : body;
    }

    internal void Write(IBufferWriter<byte> output)
    {
        Span<byte> bytes = stackalloc byte[CertificateHash.ByteCount];
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(FieldCount);
        writer.WriteInteger((ulong)Content.Kind);
        Realm.CopyTo(bytes);
        writer.WriteBinary(bytes[..RealmId.ByteCount]);
        PointField.Write(writer, Key);
        PointField.Write(writer, Publisher);
        Certificate.CopyTo(bytes);
        writer.WriteBinary(bytes);
        writer.WriteInteger(Sequence);
        writer.WriteInteger(Issued.UnixMilliseconds);
        writer.WriteInteger((ulong)TimeToLive.TotalSeconds);
        writer.WriteBoolean(State == RecordState.Withdrawn);
        writer.WriteArrayHeader(Content.FieldCount);
        Content.WriteFields(writer);
    }

    private static RecordBody? Refuse(ref MessagePackReader reader, Errors.ProtocolError error)
    {
        reader.Fail(error);
        return null;
    }

    private static bool TryReadRealm(ref MessagePackReader reader, out RealmId realm)
    {
        realm = default;
        return reader.TryReadBinary(RealmId.ByteCount, out var bytes) && (RealmId.TryRead(bytes, out realm) || reader.Fail(RecordFault.Fields));
    }

    private static bool TryReadHash(ref MessagePackReader reader, out CertificateHash hash)
    {
        hash = default;
        return reader.TryReadBinary(CertificateHash.ByteCount, out var bytes) && (CertificateHash.TryRead(bytes, out hash) || reader.Fail(RecordFault.Fields));
    }

    private string? FindFault() =>
        Sequence < 0 ? "A sequence is not negative."
        // Beyond the year 9999 nothing is a time; the bound keeps sums of times within 64 bits.
        : Issued.UnixMilliseconds is < 0 or > 253_402_300_799_999 ? "A time of issue lies in the years 1970 to 9999."
        : TimeToLive < MinTimeToLive || TimeToLive > MaxTimeToLive || TimeToLive.Ticks % TimeSpan.TicksPerSecond != 0 ? "A time to live is 1 minute to 24 hours, in whole seconds."
        : Content is RecordContent.Provider { Load: < 0 or > RecordContent.Provider.FullLoad } ? "A load is 0 to 1,000."
        : Content is RecordContent.Node { Addresses: var addresses } && (addresses.IsDefault || addresses.Length > RecordContent.Node.MaxAddresses) ? "A node has 0 to 8 addresses."
        : Content is RecordContent.Node { Gateways: var gateways } && (gateways.IsDefault || gateways.Length > RecordContent.Node.MaxGateways) ? "A node has 0 to 4 gateways."
        : null;
}
