using System.Formats.Asn1;
using System.Security.Cryptography;
using Macula.Identity.Keys;
using Macula.Wire;

namespace Macula.Identity.Tests.Support;

/// <summary>A scheme without any randomness of its own, as the simulation has one; everybody who knows a public key can sign.</summary>
public sealed class KeyedHashScheme : SignatureScheme
{
    private const int SeedBytes = 32;

    private static readonly byte[] Algorithm = Encode("2.25.1", null);

    public override ReadOnlyMemory<byte> AlgorithmIdentifier => Algorithm;

    public override SigningKey CreateKey(RandomSource random)
    {
        var seed = new byte[SeedBytes];
        random.Fill(seed);
        return new Key(seed);
    }

    public override SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8) =>
        pkcs8.Length == SeedBytes ? new Key(pkcs8.ToArray()) : throw new CryptographicException("Not a key of the test scheme.");

    public override bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        subjectPublicKeyInfo.Length == Encode("2.25.1", new byte[SeedBytes]).Length
        && subjectPublicKeyInfo.SequenceEqual(Encode("2.25.1", subjectPublicKeyInfo[^SeedBytes..].ToArray()));

    public override bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        signature.SequenceEqual(HMACSHA512.HashData(subjectPublicKeyInfo, message));

    public override byte[] EncodeForCertificate(ReadOnlySpan<byte> signature) => signature.ToArray();

    public override bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature) =>
        encoded.Length == SignatureBytes && encoded.TryCopyTo(signature);

    private static byte[] Encode(string objectId, byte[]? key)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        if (key is null)
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(objectId);
            }
        }
        else
        {
            using (writer.PushSequence())
            {
                writer.WriteEncodedValue(Encode(objectId, null));
                writer.WriteBitString(key);
            }
        }

        return writer.Encode();
    }

    private sealed class Key(byte[] seed) : SigningKey
    {
        public override ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; } = Encode("2.25.1", SHA256.HashData(seed));

        public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => HMACSHA512.HashData(SubjectPublicKeyInfo.Span, message, signature);

        public override byte[] ExportPkcs8() => seed;
    }
}
