using System.Formats.Asn1;
using System.Security.Cryptography;
using Macula.Identity.Keys;
using Macula.Wire;

namespace Macula.Testing.Realms;

/// <summary>A signature scheme for simulations: fast, and the same bytes for the same seed, which ECDSA cannot give. It protects nothing.</summary>
/// <remarks>
/// A signature is a hash over public key and message, so anybody could make one; a simulated liar has to be written so that it does
/// not. A realm of this scheme is of no use outside a simulation, since QUIC refuses its certificates.
/// </remarks>
public sealed class KeyedHashScheme : SignatureScheme
{
    private const int KeyBytes = 32;

    // A UUID drawn at random for this scheme, under the arc of UUIDs (X.667 §7).
    private const string ObjectId = "2.25.226340310473937283402284087243915273117";

    private static readonly byte[] Algorithm = EncodeAlgorithm();

    private KeyedHashScheme()
    {
    }

    /// <summary>The scheme.</summary>
    public static KeyedHashScheme Instance { get; } = new();

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> AlgorithmIdentifier => Algorithm;

    /// <summary>Makes a key from 32 bytes of the source.</summary>
    public override SigningKey CreateKey(RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var secret = new byte[KeyBytes];
        random.Fill(secret);
        return new Key(secret);
    }

    /// <inheritdoc/>
    public override SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8) =>
        pkcs8.Length == KeyBytes ? new Key(pkcs8.ToArray()) : throw new CryptographicException($"A key of the keyed-hash scheme has {KeyBytes} bytes.");

    /// <inheritdoc/>
    public override bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        try
        {
            var reader = new AsnReader(subjectPublicKeyInfo.ToArray(), AsnEncodingRules.DER);
            var info = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            var algorithm = info.ReadEncodedValue();
            var key = info.ReadBitString(out var unusedBits);
            info.ThrowIfNotEmpty();
            return algorithm.Span.SequenceEqual(Algorithm) && key.Length == KeyBytes && unusedBits == 0;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public override bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[SignatureBytes];
        Hash(subjectPublicKeyInfo, message, expected);
        return signature.SequenceEqual(expected);
    }

    /// <inheritdoc/>
    public override byte[] EncodeForCertificate(ReadOnlySpan<byte> signature) => signature.ToArray();

    /// <inheritdoc/>
    public override bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature)
    {
        if (encoded.Length != SignatureBytes || signature.Length != SignatureBytes)
        {
            return false;
        }

        encoded.CopyTo(signature);
        return true;
    }

    private static void Hash(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hash.AppendData(publicKey);
        hash.AppendData(message);
        hash.GetHashAndReset(signature);
    }

    private static byte[] EncodeAlgorithm()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(ObjectId);
        }

        return writer.Encode();
    }

    private sealed class Key : SigningKey
    {
        private readonly byte[] _secret;

        public Key(byte[] secret)
        {
            _secret = secret;
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteEncodedValue(Algorithm);
                writer.WriteBitString(SHA256.HashData(secret));
            }

            SubjectPublicKeyInfo = writer.Encode();
        }

        public override ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

        public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => Hash(SubjectPublicKeyInfo.Span, message, signature);

        public override byte[] ExportPkcs8() => [.. _secret];
    }
}
