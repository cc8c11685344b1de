using System.Net;
using Macula.Wire;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>What tests of the DHT begin with.</summary>
internal static class Given
{
    public static readonly Instant Start = new(TimeSpan.FromHours(1));

    public static readonly WallTime WallStart = WallTime.From(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    public static readonly RealmId Realm = RealmId.Read(new byte[RealmId.ByteCount]);

    public static readonly ProcedureName Procedure = ProcedureName.Parse("math.add");

    public static readonly DhtKey ProcedureKey = DhtKey.OfProviders(Realm, Procedure);

    private static readonly Trusting Check = new();

    public static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    public static NodeId Node(RandomSource random)
    {
        Span<byte> bytes = stackalloc byte[NodeId.ByteCount];
        random.Fill(bytes);
        return NodeId.Read(bytes);
    }

    /// <summary>A node that shares exactly this many bits with another.</summary>
    public static NodeId NodeAt(NodeId from, int sharedBits, RandomSource random)
    {
        Span<byte> bytes = stackalloc byte[NodeId.ByteCount];
        random.Fill(bytes);
        Span<byte> own = stackalloc byte[NodeId.ByteCount];
        from.CopyTo(own);
        own[..(sharedBits / 8)].CopyTo(bytes);
        var bit = 0x80 >> (sharedBits % 8);
        var kept = ~((bit << 1) - 1) & 0xff;
        bytes[sharedBits / 8] = (byte)((own[sharedBits / 8] & kept) | (~own[sharedBits / 8] & bit) | (bytes[sharedBits / 8] & (bit - 1)));
        return NodeId.Read(bytes);
    }

    /// <summary>A contact at an address that follows from the number.</summary>
    public static Contact Contact(NodeId node, int number = 1) => new(node, [Address(number)]);

    public static NodeAddress Address(int number) => NodeAddress.From(new IPEndPoint(new IPAddress([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]), 9443));

    public static VerifiedRecord Provider(
        NodeId publisher, long sequence = 1, RecordState state = RecordState.Live, WallTime? issued = null, TimeSpan? timeToLive = null, string? procedure = null, int load = 0)
    {
        var content = new RecordContent.Provider(procedure is null ? Procedure : ProcedureName.Parse(procedure), 1, load);
        return Check.Take(new RecordBody(Realm, publisher, default, sequence, issued ?? WallStart, timeToLive ?? TimeSpan.FromMinutes(30), state, content));
    }

    /// <summary>Vouches for every record, as no shell would.</summary>
    public sealed class Trusting : RecordCheck
    {
#pragma warning disable CA1822 // Taken through an instance, as every check is.
        public VerifiedRecord Take(RecordBody body) => Vouch(SignedRecord.Join(body, new byte[SignedRecord.SignatureBytes]));
#pragma warning restore CA1822
    }
}
