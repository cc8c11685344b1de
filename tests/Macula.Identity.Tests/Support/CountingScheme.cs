using Macula.Identity.Keys;
using Macula.Wire;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests.Support;

/// <summary>The keyed hash, and how often it was asked to verify.</summary>
public sealed class CountingScheme : SignatureScheme
{
    private readonly KeyedHashScheme _inner = KeyedHashScheme.Instance;

    public int Verifications { get; set; }

    public override ReadOnlyMemory<byte> AlgorithmIdentifier => _inner.AlgorithmIdentifier;

    public override SigningKey CreateKey(RandomSource random) => _inner.CreateKey(random);

    public override SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8) => _inner.ImportPrivateKey(pkcs8);

    public override bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) => _inner.AcceptsPublicKey(subjectPublicKeyInfo);

    public override bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Verifications++;
        return _inner.Verify(subjectPublicKeyInfo, message, signature);
    }

    public override byte[] EncodeForCertificate(ReadOnlySpan<byte> signature) => _inner.EncodeForCertificate(signature);

    public override bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature) => _inner.TryDecodeFromCertificate(encoded, signature);
}
