using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using Macula.Identity.Keys;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Certificates;

/// <summary>The certificate of a realm's authority key: the first signed by itself, each further one by the key before it.</summary>
/// <remarks>docs/protocol/01-identity.md §3 [ID-12].</remarks>
public sealed class AuthorityCertificate
{
    private readonly CertificateBody _body;

    private AuthorityCertificate(CertificateBody body, KeyIdentifier issuerKeyId)
    {
        _body = body;
        IssuerKeyId = issuerKeyId;
        KeyId = KeyIdentifier.Derive(body.SubjectPublicKeyInfo.Span);
    }

    /// <summary>The certificate's bytes.</summary>
    public ReadOnlyMemory<byte> Der => _body.Der;

    /// <summary>The realm that it names.</summary>
    public RealmId RealmId => _body.Subject;

    /// <summary>Names the authority's key; node certificates refer to it.</summary>
    public KeyIdentifier KeyId { get; }

    /// <summary>Which key is said to have signed it.</summary>
    public KeyIdentifier IssuerKeyId { get; }

    /// <summary>The authority's public key as DER SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo => _body.SubjectPublicKeyInfo;

    /// <summary>The first moment at which the certificate holds, clock skew not counted.</summary>
    public WallTime NotBefore => _body.NotBefore;

    /// <summary>The last moment at which the certificate holds, clock skew not counted.</summary>
    public WallTime NotAfter => _body.NotAfter;

    /// <summary>Takes a certificate apart and checks its form to the last byte; the signature is left to whoever knows the key before.</summary>
    /// <param name="der">Any bytes. They are kept, not copied.</param>
    /// <param name="scheme">The realm's scheme.</param>
    /// <param name="certificate">What it says; null when the answer is false.</param>
    /// <param name="error">What is wrong, when the answer is false.</param>
    public static bool TryRead(
        ReadOnlyMemory<byte> der, SignatureScheme scheme, [NotNullWhen(true)] out AuthorityCertificate? certificate, out ProtocolError error)
    {
        certificate = null;
        if (!CertificateBody.TryRead(der, scheme, out var body, out error))
        {
            return false;
        }

        if (body.Issuer != body.Subject || body.Extension(CertificateProfile.AuthorityKeyIdObjectId) is not { } keyIdValue
            || !CertificateBody.TryDecodeAuthorityKeyId(keyIdValue.Span, out var issuerKeyId))
        {
            error = CertificateBody.Malformed("ID-12", "Not an authority of a realm: the names differ, or it does not say which key signed it.");
            return false;
        }

        var signed = Encode(body.Serial, body.Subject, body.NotBefore, body.NotAfter, body.SubjectPublicKeyInfo, issuerKeyId, scheme);
        if (!CertificateBody.Assemble(scheme, signed, body.Signature.Span).AsSpan().SequenceEqual(der.Span))
        {
            error = CertificateBody.Malformed("ID-12", "Not the certificate of an authority, or not the one encoding of what it says.");
            return false;
        }

        certificate = new AuthorityCertificate(body, issuerKeyId);
        return true;
    }

    /// <summary>Whether a key made the signature over this certificate.</summary>
    internal bool IsSignedBy(ReadOnlySpan<byte> subjectPublicKeyInfo, SignatureScheme scheme) =>
        scheme.Verify(subjectPublicKeyInfo, _body.Signed.Span, _body.Signature.Span);

    /// <summary>Certifies an authority's key by the key before it, or by itself when it is the first.</summary>
    internal static AuthorityCertificate Issue(
        RealmId realm, SigningKey subject, SigningKey issuer, SignatureScheme scheme, RandomSource random, WallTime notBefore, WallTime notAfter)
    {
        var issuerKeyId = KeyIdentifier.Derive(issuer.SubjectPublicKeyInfo.Span);
        var signed = Encode(SerialNumber.Create(random), realm, notBefore, notAfter, subject.SubjectPublicKeyInfo, issuerKeyId, scheme);
        var der = CertificateBody.Assemble(scheme, signed, issuer.Sign(signed));
        var isRead = TryRead(der, scheme, out var certificate, out var error);
        Invariant.Hold(isRead, $"A certificate that this code writes is one that it reads ({error.Detail})");
        return certificate!;
    }

    private static byte[] Encode(
        SerialNumber serial, RealmId realm, WallTime notBefore, WallTime notAfter, ReadOnlyMemory<byte> subjectPublicKeyInfo, KeyIdentifier issuerKeyId,
        SignatureScheme scheme) =>
        CertificateBody.EncodeSigned(
            scheme, serial, realm, notBefore, notAfter, subjectPublicKeyInfo.Span,
            writer => WriteExtensions(writer, KeyIdentifier.Derive(subjectPublicKeyInfo.Span), issuerKeyId));

    private static void WriteExtensions(AsnWriter writer, KeyIdentifier keyId, KeyIdentifier issuerKeyId)
    {
        CertificateBody.WriteExtension(
            writer, CertificateProfile.BasicConstraintsObjectId, ExtensionWeight.Critical, CertificateProfile.AuthorityBasicConstraints);
        CertificateBody.WriteExtension(writer, CertificateProfile.KeyUsageObjectId, ExtensionWeight.Critical, CertificateProfile.AuthorityKeyUsage);
        CertificateBody.WriteExtension(
            writer, CertificateProfile.SubjectKeyIdObjectId, ExtensionWeight.Optional, CertificateBody.EncodeSubjectKeyId(keyId));
        CertificateBody.WriteExtension(
            writer, CertificateProfile.AuthorityKeyIdObjectId, ExtensionWeight.Optional, CertificateBody.EncodeAuthorityKeyId(issuerKeyId));
    }
}
