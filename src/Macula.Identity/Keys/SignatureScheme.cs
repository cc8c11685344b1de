using Macula.Wire;

namespace Macula.Identity.Keys;

/// <summary>One way to make and check signatures, and how they stand in X.509: ECDSA P-256 in production, a keyed hash in simulation.</summary>
/// <remarks>
/// Everything that is signed in a realm (certificates, policies, revocation lists, records) goes through one scheme, so that a run whose
/// scheme is deterministic is deterministic as a whole. Implementations are safe to call from several threads at once.
/// </remarks>
public abstract class SignatureScheme
{
    /// <summary>Length of every signature outside X.509: r and s of P-256, 32 bytes each (IEEE P1363).</summary>
    public const int SignatureBytes = 64;

    /// <summary>Longest public key in bytes that any scheme may use, as DER SubjectPublicKeyInfo. That of P-256 has 91.</summary>
    public const int MaxPublicKeyBytes = 256;

    /// <summary>The DER AlgorithmIdentifier that names this scheme in a certificate (RFC 5280 §4.1.1.2).</summary>
    public abstract ReadOnlyMemory<byte> AlgorithmIdentifier { get; }

    /// <summary>Makes a new key.</summary>
    /// <param name="random">Where the key comes from, unless the scheme says that it takes the operating system's randomness.</param>
    public abstract SigningKey CreateKey(RandomSource random);

    /// <summary>Reads a private key.</summary>
    /// <param name="pkcs8">The key as unencrypted DER PKCS#8 PrivateKeyInfo (RFC 5958).</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The bytes are no private key of this scheme.</exception>
    public abstract SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8);

    /// <summary>Whether these bytes are a public key of this scheme, whole and in its one encoding.</summary>
    /// <param name="subjectPublicKeyInfo">Any bytes, also a stranger's.</param>
    public abstract bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo);

    /// <summary>Checks a signature. Never throws on what a stranger sent.</summary>
    /// <param name="subjectPublicKeyInfo">The signer's key; anything but a key of this scheme makes the answer false.</param>
    /// <param name="message">What was signed; it is hashed inside.</param>
    /// <param name="signature">64 bytes; any other length makes the answer false.</param>
    public abstract bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);

    /// <summary>Turns a signature of 64 bytes into what the BIT STRING of a certificate holds.</summary>
    public abstract byte[] EncodeForCertificate(ReadOnlySpan<byte> signature);

    /// <summary>Takes a signature out of what the BIT STRING of a certificate holds; false unless it is exactly what <see cref="EncodeForCertificate"/> gives.</summary>
    /// <param name="encoded">Any bytes, also a stranger's.</param>
    /// <param name="signature">Receives the 64 bytes.</param>
    public abstract bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature);
}
