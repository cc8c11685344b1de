using System.Formats.Asn1;
using System.Security.Cryptography;
using Macula.Wire;

namespace Macula.Identity.Keys;

/// <summary>ECDSA over P-256 with SHA-256 (FIPS 186-5; RFC 5758 §3.2): the scheme of every real realm.</summary>
/// <remarks>
/// Making keys and signing take the operating system's randomness, whatever source is passed in: the platform's library offers no other
/// way, and a nonce from a weaker source would give the key away. Checking a signature takes some 0.25 ms, more than half of it
/// for taking in the public key; signing takes some 0.04 ms.
/// </remarks>
public sealed class EcdsaP256Scheme : SignatureScheme
{
    private const int CoordinateBytes = 32;

    // SEQUENCE { OBJECT IDENTIFIER 1.2.840.10045.4.3.2 ecdsa-with-SHA256 }, no parameters (RFC 5758 §3.2).
    private static readonly byte[] Algorithm = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

    // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04 | x (32) | y (32) } } up to the 04 (RFC 5480 §2).
    private static readonly byte[] PublicKeyPrefix =
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
        0x03, 0x42, 0x00, 0x04,
    ];

    private EcdsaP256Scheme()
    {
    }

    /// <summary>The one instance; it holds no state.</summary>
    public static EcdsaP256Scheme Instance { get; } = new();

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> AlgorithmIdentifier => Algorithm;

    /// <summary>Makes a new key from the operating system's randomness.</summary>
    /// <param name="random">Not used: see the remarks of the type.</param>
    public override SigningKey CreateKey(RandomSource random) => new Key(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <inheritdoc/>
    public override SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8)
    {
        var ecdsa = ECDsa.Create();
        try
        {
            ecdsa.ImportPkcs8PrivateKey(pkcs8, out var bytesRead);
            if (bytesRead != pkcs8.Length)
            {
                throw new CryptographicException("Bytes follow the private key.");
            }

            // Other curves of 256 bits (secp256k1, brainpool) differ in the prefix, which names the curve.
            if (!HasShapeOfPublicKey(ecdsa.ExportSubjectPublicKeyInfo()))
            {
                throw new CryptographicException("The private key is not one of P-256.");
            }

            return new Key(ecdsa);
        }
        catch (CryptographicException)
        {
            ecdsa.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        using var key = TryImport(subjectPublicKeyInfo);
        return key is not null;
    }

    /// <inheritdoc/>
    public override bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureBytes)
        {
            return false;
        }

        using var key = TryImport(subjectPublicKeyInfo);
        return key is not null && key.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <inheritdoc/>
    public override byte[] EncodeForCertificate(ReadOnlySpan<byte> signature)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(signature.Length, SignatureBytes);

        // Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 §2.2.3)
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(WithoutLeadingZeros(signature[..CoordinateBytes]));
            writer.WriteIntegerUnsigned(WithoutLeadingZeros(signature[CoordinateBytes..]));
        }

        return writer.Encode();
    }

    /// <inheritdoc/>
    public override bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature)
    {
        if (signature.Length != SignatureBytes)
        {
            return false;
        }

        signature.Clear();
        try
        {
            AsnDecoder.ReadSequence(encoded, AsnEncodingRules.DER, out var offset, out var length, out var consumed);
            var content = encoded.Slice(offset, length);
            var first = AsnDecoder.ReadIntegerBytes(content, AsnEncodingRules.DER, out var firstBytes);
            var second = AsnDecoder.ReadIntegerBytes(content[firstBytes..], AsnEncodingRules.DER, out var secondBytes);
            return consumed == encoded.Length && firstBytes + secondBytes == content.Length
                && TryCopyUnsigned(first, signature[..CoordinateBytes]) && TryCopyUnsigned(second, signature[CoordinateBytes..]);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static bool HasShapeOfPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        subjectPublicKeyInfo.Length == PublicKeyPrefix.Length + (2 * CoordinateBytes) && subjectPublicKeyInfo.StartsWith(PublicKeyPrefix);

    private static ECDsa? TryImport(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        if (!HasShapeOfPublicKey(subjectPublicKeyInfo))
        {
            return null;
        }

        var ecdsa = ECDsa.Create();
        try
        {
            // The library refuses a point that is not on the curve.
            ecdsa.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            return ecdsa;
        }
        catch (CryptographicException)
        {
            ecdsa.Dispose();
            return null;
        }
    }

    private static ReadOnlySpan<byte> WithoutLeadingZeros(ReadOnlySpan<byte> number)
    {
        var first = number.IndexOfAnyExcept((byte)0);
        return first < 0 ? number[^1..] : number[first..];
    }

    private static bool TryCopyUnsigned(ReadOnlySpan<byte> integer, Span<byte> destination)
    {
        if ((integer[0] & 0x80) != 0)
        {
            return false;
        }

        var magnitude = WithoutLeadingZeros(integer);
        if (magnitude.Length > destination.Length)
        {
            return false;
        }

        magnitude.CopyTo(destination[^magnitude.Length..]);
        return true;
    }

    private sealed class Key(ECDsa ecdsa) : SigningKey
    {
        // The platform does not promise that one ECDsa serves two threads.
        private readonly Lock _gate = new();

        public override ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; } = ecdsa.ExportSubjectPublicKeyInfo();

        public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(signature.Length, SignatureBytes);
            lock (_gate)
            {
                var written = ecdsa.SignData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
                Invariant.Hold(written == SignatureBytes, "A P-256 signature in P1363 form has 64 bytes.");
            }
        }

        public override byte[] ExportPkcs8()
        {
            lock (_gate)
            {
                return ecdsa.ExportPkcs8PrivateKey();
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                ecdsa.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
