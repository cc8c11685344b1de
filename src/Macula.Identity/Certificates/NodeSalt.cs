using System.Security.Cryptography;

namespace Macula.Identity.Certificates;

/// <summary>The 16 bytes that the authority adds to a node's key before its id is computed (docs/protocol/01-identity.md [ID-4]).</summary>
internal static class NodeSalt
{
    public const int ByteCount = 16;

    /// <summary>Length of the authority's secret: as much as the hash can use.</summary>
    public const int SecretBytes = SHA256.HashSizeInBytes;

    /// <summary>The first 16 bytes of HMAC-SHA256(secret, key): always the same for one key, and unknown before the authority has certified it.</summary>
    public static byte[] Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        HMACSHA256.HashData(secret, subjectPublicKeyInfo)[..ByteCount];
}
