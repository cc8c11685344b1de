using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Macula.Wire.Identifiers;

/// <summary>A point of a realm's DHT under which records are kept; nodes stand in the same space (docs/protocol/09-records.md [REC-1]).</summary>
public readonly record struct DhtKey : IComparable<DhtKey>
{
    /// <summary>Length of a key in bytes.</summary>
    public const int ByteCount = KeySpacePoint.ByteCount;

    /// <summary>Length of a key in bits.</summary>
    public const int BitCount = 8 * ByteCount;

    private readonly KeySpacePoint _value;

    private DhtKey(KeySpacePoint value) => _value = value;

    /// <summary>The key under which those stand who provide a procedure.</summary>
    public static DhtKey OfProviders(RealmId realm, ProcedureName procedure)
    {
        ArgumentNullException.ThrowIfNull(procedure);
        // Names are ASCII and at most 255 bytes.
        Span<byte> name = stackalloc byte[ProcedureName.MaxBytes];
        return Derive("provider"u8, realm, name[..Encoding.ASCII.GetBytes(procedure.Value, name)]);
    }

    /// <summary>The key under which those stand who subscribe to patterns with this literal prefix; all patterns that begin with a wildcard share the realm's root key.</summary>
    public static DhtKey OfSubscribers(RealmId realm, TopicPrefix prefix)
    {
        Span<byte> name = stackalloc byte[TopicName.MaxBytes];
        return Derive("subscriber"u8, realm, name[..Encoding.ASCII.GetBytes(prefix.Value, name)]);
    }

    /// <summary>The key under which a node's own record stands. It is not the place of the node: see <see cref="PlaceOf"/>.</summary>
    public static DhtKey OfNode(RealmId realm, NodeId node)
    {
        Span<byte> name = stackalloc byte[NodeId.ByteCount];
        node.CopyTo(name);
        return Derive("node"u8, realm, name);
    }

    /// <summary>The point at which a node stands: its id, as a target of lookups.</summary>
    public static DhtKey PlaceOf(NodeId node) => new(node.Point);

    /// <summary>Reads a key from exactly 20 bytes; false when the length differs.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out DhtKey key)
    {
        var read = KeySpacePoint.TryRead(bytes, out var point);
        key = new DhtKey(point);
        return read;
    }

    /// <summary>Reads 40 hexadecimal digits of either case.</summary>
    /// <returns>False for anything else.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out DhtKey key)
    {
        var read = KeySpacePoint.TryParse(text, out var point);
        key = new DhtKey(point);
        return read;
    }

    /// <summary>Writes the 20 bytes, most significant first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer than 20 bytes.</exception>
    public void CopyTo(Span<byte> destination) => _value.CopyTo(destination);

    /// <summary>How far away a node stands.</summary>
    public Distance DistanceTo(NodeId node) => new(KeySpacePoint.Xor(_value, node.Point));

    /// <summary>How far away another key lies.</summary>
    public Distance DistanceTo(DhtKey other) => new(KeySpacePoint.Xor(_value, other._value));

    /// <inheritdoc/>
    public int CompareTo(DhtKey other) => _value.CompareTo(other._value);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => _value.GetHashCode();

    /// <summary>40 lower-case hexadecimal digits.</summary>
    public override string ToString() => _value.ToString();

    /// <summary>Unsigned order.</summary>
    public static bool operator <(DhtKey left, DhtKey right) => left.CompareTo(right) < 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator >(DhtKey left, DhtKey right) => left.CompareTo(right) > 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator <=(DhtKey left, DhtKey right) => left.CompareTo(right) <= 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator >=(DhtKey left, DhtKey right) => left.CompareTo(right) >= 0;

    // u8 length | kind tag | u8 length | realm id | u8 length | name
    private static DhtKey Derive(ReadOnlySpan<byte> kindTag, RealmId realm, ReadOnlySpan<byte> name)
    {
        Span<byte> realmBytes = stackalloc byte[RealmId.ByteCount];
        realm.CopyTo(realmBytes);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // [REC-1]: each part with its length, so that no two triples run together into the same bytes.
        Append(hash, kindTag);
        Append(hash, realmBytes);
        Append(hash, name);
        hash.GetHashAndReset(digest);
        return TryRead(digest[..ByteCount], out var key) ? key : default;
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        hash.AppendData([(byte)part.Length]);
        hash.AppendData(part);
    }
}
