using Macula.Identity.Keys;
using Macula.Testing.Realms;
using Macula.Wire;

namespace Macula.Simulation.Tests;

/// <summary>The bug of a node that checks no signature.</summary>
internal sealed class CredulousScheme : SignatureScheme
{
    private static readonly SignatureScheme Real = KeyedHashScheme.Instance;

    public override ReadOnlyMemory<byte> AlgorithmIdentifier => Real.AlgorithmIdentifier;

    public override SigningKey CreateKey(RandomSource random) => Real.CreateKey(random);

    public override SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8) => Real.ImportPrivateKey(pkcs8);

    public override bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) => Real.AcceptsPublicKey(subjectPublicKeyInfo);

    public override bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => true;

    public override byte[] EncodeForCertificate(ReadOnlySpan<byte> signature) => Real.EncodeForCertificate(signature);

    public override bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature) => Real.TryDecodeFromCertificate(encoded, signature);
}
