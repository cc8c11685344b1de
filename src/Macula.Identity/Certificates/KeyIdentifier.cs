using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Macula.Identity.Certificates;

/// <summary>Names a key inside certificates: the first 20 bytes of SHA-256 over its SubjectPublicKeyInfo (RFC 7093 §2, the fourth way).</summary>
/// <remarks>It tells a realm's authorities apart. Subject and issuer cannot: every certificate of a realm bears the same name in both.</remarks>
public readonly record struct KeyIdentifier
{
    /// <summary>Length of an identifier in bytes.</summary>
    public const int ByteCount = 20;

    private readonly UInt128 _high;
    private readonly uint _low;

    private KeyIdentifier(ReadOnlySpan<byte> bytes)
    {
        _high = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        _low = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
    }

    /// <summary>Computes the identifier of a key.</summary>
    /// <param name="subjectPublicKeyInfo">The key as DER SubjectPublicKeyInfo.</param>
    public static KeyIdentifier Derive(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(subjectPublicKeyInfo, digest);
        return new KeyIdentifier(digest);
    }

    /// <summary>Reads an identifier from exactly 20 bytes; false when the length differs.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out KeyIdentifier id)
    {
        id = bytes.Length == ByteCount ? new KeyIdentifier(bytes) : default;
        return bytes.Length == ByteCount;
    }

    /// <summary>Writes the 20 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer than 20 bytes.</exception>
    public void CopyTo(Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, ByteCount);
        BinaryPrimitives.WriteUInt128BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], _low);
    }

    /// <summary>40 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[ByteCount];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
