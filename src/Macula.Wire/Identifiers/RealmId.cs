using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Macula.Wire.Identifiers;

/// <summary>The 128-bit identifier of a realm: what its first certificate authority's key hashes to.</summary>
/// <remarks>It names the realm wherever bytes travel in the clear; the realm's name is for people (docs/protocol/01-identity.md [ID-1]).</remarks>
public readonly struct RealmId : IEquatable<RealmId>
{
    /// <summary>Length of an identifier in bytes.</summary>
    public const int ByteCount = 16;

    private const string ServerNameSuffix = ".macula";

    private readonly UInt128 _value;

    private RealmId(UInt128 value) => _value = value;

    /// <summary>Computes the identifier of the realm whose first certificate authority holds this key: the first 16 bytes of its SHA-256.</summary>
    /// <param name="authoritySubjectPublicKeyInfo">The key as DER SubjectPublicKeyInfo.</param>
    public static RealmId Derive(ReadOnlySpan<byte> authoritySubjectPublicKeyInfo)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(authoritySubjectPublicKeyInfo, digest);
        return Read(digest[..ByteCount]);
    }

    /// <summary>Reads an identifier from exactly 16 bytes.</summary>
    /// <exception cref="ArgumentException">The length is not 16.</exception>
    public static RealmId Read(ReadOnlySpan<byte> bytes) =>
        TryRead(bytes, out var id) ? id : throw new ArgumentException($"A realm id has {ByteCount} bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>Reads an identifier from exactly 16 bytes; false when the length differs.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RealmId id)
    {
        id = default;
        if (bytes.Length != ByteCount)
        {
            return false;
        }

        id = new RealmId(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
        return true;
    }

    /// <summary>Reads 32 hexadecimal digits of either case.</summary>
    /// <returns>False for anything else.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out RealmId id)
    {
        id = default;
        Span<byte> bytes = stackalloc byte[ByteCount];
        return text is { Length: 2 * ByteCount }
            && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            && TryRead(bytes, out id);
    }

    /// <summary>Reads the name that a dial puts in TLS server name indication: 32 hexadecimal digits and ".macula".</summary>
    /// <returns>False for anything else.</returns>
    public static bool TryParseServerName([NotNullWhen(true)] string? serverName, out RealmId id)
    {
        id = default;
        return serverName is not null
            && serverName.EndsWith(ServerNameSuffix, StringComparison.OrdinalIgnoreCase)
            && TryParse(serverName[..^ServerNameSuffix.Length], out id);
    }

    /// <summary>Writes the 16 bytes, most significant first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer than 16 bytes.</exception>
    public void CopyTo(Span<byte> destination) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(destination, _value);

    /// <summary>What a dial to this realm puts in TLS server name indication (RFC 6066 §3).</summary>
    public string ToServerName() => ToString() + ServerNameSuffix;

    /// <inheritdoc/>
    public bool Equals(RealmId other) => _value == other._value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RealmId other && Equals(other);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => (int)(uint)(_value >> 96) ^ (int)(uint)_value;

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[ByteCount];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Equality by value.</summary>
    public static bool operator ==(RealmId left, RealmId right) => left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(RealmId left, RealmId right) => !left.Equals(right);
}
