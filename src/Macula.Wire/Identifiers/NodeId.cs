using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Macula.Wire.Identifiers;

/// <summary>The 160-bit identifier of a node in its realm, and its place in that realm's DHT.</summary>
/// <remarks>
/// Derived, never asserted: it follows from the key that TLS proved and the salt in its certificate
/// (docs/protocol/01-identity.md [ID-3]). Ordered as an unsigned big-endian number.
/// </remarks>
public readonly struct NodeId : IEquatable<NodeId>, IComparable<NodeId>
{
    /// <summary>Length of an identifier in bytes.</summary>
    public const int ByteCount = KeySpacePoint.ByteCount;

    /// <summary>Length of an identifier in bits.</summary>
    public const int BitCount = 8 * ByteCount;

    private NodeId(KeySpacePoint point) => Point = point;

    internal KeySpacePoint Point { get; }

    /// <summary>Computes the identifier that belongs to a public key under a salt: the first 20 bytes of SHA-256(salt || key).</summary>
    /// <param name="salt">The salt from the node's certificate, 16 bytes.</param>
    /// <param name="subjectPublicKeyInfo">The key as DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).</param>
    public static NodeId Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(salt);
        hash.AppendData(subjectPublicKeyInfo);
        hash.GetHashAndReset(digest);
        return Read(digest[..ByteCount]);
    }

    /// <summary>Reads an identifier from exactly 20 bytes.</summary>
    /// <exception cref="ArgumentException">The length is not 20.</exception>
    public static NodeId Read(ReadOnlySpan<byte> bytes) =>
        TryRead(bytes, out var id) ? id : throw new ArgumentException($"A node id has {ByteCount} bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>Reads an identifier from exactly 20 bytes; false when the length differs.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out NodeId id)
    {
        var read = KeySpacePoint.TryRead(bytes, out var point);
        id = new NodeId(point);
        return read;
    }

    /// <summary>Reads 40 hexadecimal digits of either case.</summary>
    /// <returns>False for anything else.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id)
    {
        var read = KeySpacePoint.TryParse(text, out var point);
        id = new NodeId(point);
        return read;
    }

    /// <summary>Writes the 20 bytes, most significant first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer than 20 bytes.</exception>
    public void CopyTo(Span<byte> destination) => Point.CopyTo(destination);

    /// <summary>How far another node stands from this one (Maymounkov &amp; Mazières 2002, §2.1).</summary>
    public Distance DistanceTo(NodeId other) => new(KeySpacePoint.Xor(Point, other.Point));

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Point.CompareTo(other.Point);

    /// <inheritdoc/>
    public bool Equals(NodeId other) => Point == other.Point;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is NodeId other && Equals(other);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => Point.GetHashCode();

    /// <summary>40 lower-case hexadecimal digits.</summary>
    public override string ToString() => Point.ToString();

    /// <summary>The first 8 hexadecimal digits: enough for a person to tell nodes apart, too few to name one to a machine.</summary>
    public string ToShortString() => ToString()[..8];

    /// <summary>Equality by value.</summary>
    public static bool operator ==(NodeId left, NodeId right) => left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(NodeId left, NodeId right) => !left.Equals(right);

    /// <summary>Unsigned order.</summary>
    public static bool operator <(NodeId left, NodeId right) => left.CompareTo(right) < 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator >(NodeId left, NodeId right) => left.CompareTo(right) > 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator <=(NodeId left, NodeId right) => left.CompareTo(right) <= 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator >=(NodeId left, NodeId right) => left.CompareTo(right) >= 0;
}
