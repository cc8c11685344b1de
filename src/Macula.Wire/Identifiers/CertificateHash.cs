using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Macula.Wire.Identifiers;

/// <summary>SHA-256 over the DER of a certificate: names these very bytes, and nothing else about them.</summary>
/// <remarks>Whoever holds a certificate can make another of the same meaning (an ECDSA signature has a twin), so nothing is revoked by this hash.</remarks>
public readonly record struct CertificateHash
{
    /// <summary>Length of a hash in bytes.</summary>
    public const int ByteCount = SHA256.HashSizeInBytes;

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    private CertificateHash(ReadOnlySpan<byte> digest)
    {
        _high = BinaryPrimitives.ReadUInt128BigEndian(digest);
        _low = BinaryPrimitives.ReadUInt128BigEndian(digest[(ByteCount / 2)..]);
    }

    /// <summary>Hashes a certificate.</summary>
    /// <param name="der">The certificate's DER.</param>
    public static CertificateHash Compute(ReadOnlySpan<byte> der)
    {
        Span<byte> digest = stackalloc byte[ByteCount];
        SHA256.HashData(der, digest);
        return new CertificateHash(digest);
    }

    /// <summary>Reads a hash from exactly 32 bytes; false when the length differs.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out CertificateHash hash)
    {
        hash = bytes.Length == ByteCount ? new CertificateHash(bytes) : default;
        return bytes.Length == ByteCount;
    }

    /// <summary>Writes the 32 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer than 32 bytes.</exception>
    public void CopyTo(Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, ByteCount);
        BinaryPrimitives.WriteUInt128BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt128BigEndian(destination[(ByteCount / 2)..], _low);
    }

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => (int)(uint)_high ^ (int)(uint)_low;

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[ByteCount];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
