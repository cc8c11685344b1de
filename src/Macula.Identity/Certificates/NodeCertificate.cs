using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Certificates;

/// <summary>A node's certificate, taken apart: it has the form that a realm's authority gives, but nobody has looked yet at who signed it and when it holds.</summary>
/// <remarks>docs/protocol/01-identity.md §3. <see cref="Trust.CertificateJudge"/> decides whether to believe it.</remarks>
public sealed class NodeCertificate
{
    private const int MaxRoles = ushort.MaxValue;

    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    private readonly CertificateBody _body;

    private NodeCertificate(CertificateBody body, KeyIdentifier authorityKeyId, NodeIdentity identity, ReadOnlyMemory<byte> salt)
    {
        _body = body;
        AuthorityKeyId = authorityKeyId;
        Identity = identity;
        Salt = salt;
    }

    /// <summary>The certificate's bytes.</summary>
    public ReadOnlyMemory<byte> Der => _body.Der;

    /// <summary>What the certificate says of the node.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>Which of the realm's authority keys is said to have signed it.</summary>
    public KeyIdentifier AuthorityKeyId { get; }

    /// <summary>The 16 bytes under which the key hashes to the node id.</summary>
    public ReadOnlyMemory<byte> Salt { get; }

    /// <summary>Takes a certificate apart and checks its form to the last byte; signature, time and realm are left to the judge.</summary>
    /// <param name="der">Any bytes, also a stranger's. They are kept, not copied.</param>
    /// <param name="scheme">The realm's scheme.</param>
    /// <param name="certificate">What it says; null when the answer is false.</param>
    /// <param name="error">What is wrong, when the answer is false.</param>
    public static bool TryRead(
        ReadOnlyMemory<byte> der, SignatureScheme scheme, [NotNullWhen(true)] out NodeCertificate? certificate, out ProtocolError error)
    {
        certificate = null;
        if (!CertificateBody.TryRead(der, scheme, out var body, out error))
        {
            return false;
        }

        try
        {
            if (FindFault(body) is { } fault)
            {
                error = fault;
                return false;
            }

            certificate = Interpret(body, scheme, out error);
            return certificate is not null;
        }
        catch (AsnContentException)
        {
            error = CertificateBody.Malformed("ID-10", "An extension holds bytes that are not its DER.");
            return false;
        }
    }

    /// <summary>Whether a key made the signature over this certificate.</summary>
    internal bool IsSignedBy(ReadOnlySpan<byte> subjectPublicKeyInfo, SignatureScheme scheme) =>
        scheme.Verify(subjectPublicKeyInfo, _body.Signed.Span, _body.Signature.Span);

    /// <summary>Issues a certificate.</summary>
    internal static NodeCertificate Issue(NodeCertificateContent content, SigningKey authorityKey, SignatureScheme scheme)
    {
        var signed = Encode(content, scheme);
        var der = CertificateBody.Assemble(scheme, signed, authorityKey.Sign(signed));
        var isRead = TryRead(der, scheme, out var certificate, out var error);
        Invariant.Hold(isRead, $"A certificate that this code writes is one that it reads ({error.Detail})");
        return certificate!;
    }

    private static ProtocolError? FindFault(CertificateBody body)
    {
        if (body.Issuer != body.Subject)
        {
            return new ProtocolError(ErrorCode.CertificateWrongRealm, "ID-9", "Issuer and subject name different realms.");
        }

        return Holds(body, CertificateProfile.BasicConstraintsObjectId, CertificateProfile.NodeBasicConstraints)
            && Holds(body, CertificateProfile.KeyUsageObjectId, CertificateProfile.NodeKeyUsage)
            && Holds(body, CertificateProfile.ExtendedKeyUsageObjectId, CertificateProfile.NodeExtendedKeyUsage)
            ? null
            : new ProtocolError(ErrorCode.CertificateWrongUsage, "ID-11", "Its usages are not those of a node: signing, as a TLS client and server, and no authority.");
    }

    private static bool Holds(CertificateBody body, string objectId, ReadOnlySpan<byte> value) =>
        body.Extension(objectId) is { } found && found.Span.SequenceEqual(value);

    private static NodeCertificate? Interpret(CertificateBody body, SignatureScheme scheme, out ProtocolError error)
    {
        if (body.Extension(CertificateProfile.SaltObjectId) is not { } saltValue || body.Extension(CertificateProfile.RolesObjectId) is not { } rolesValue
            || body.Extension(CertificateProfile.AuthorityKeyIdObjectId) is not { } keyIdValue
            || body.Extension(CertificateProfile.SubjectAltNameObjectId) is not { } nameValue
            || !TryReadSalt(saltValue, out var salt) || !TryReadRoles(rolesValue, out var roles)
            || !CertificateBody.TryDecodeAuthorityKeyId(keyIdValue.Span, out var authorityKeyId) || !TryReadUri(nameValue, out var realm, out var name))
        {
            error = CertificateBody.Malformed("ID-10", "Salt, roles, authority key or node name is missing or not as it should be.");
            return null;
        }

        if (realm != body.Subject)
        {
            error = new ProtocolError(ErrorCode.CertificateWrongRealm, "ID-9", "The URI names another realm than the subject.");
            return null;
        }

        // [ID-7] One meaning has one encoding: whatever the steps before let pass differs here.
        var content = new NodeCertificateContent(
            body.Serial, realm, authorityKeyId, name, roles, salt, body.SubjectPublicKeyInfo, body.NotBefore, body.NotAfter);
        if (!CertificateBody.Assemble(scheme, Encode(content, scheme), body.Signature.Span).AsSpan().SequenceEqual(body.Der.Span))
        {
            error = CertificateBody.Malformed("ID-7", "The bytes are not the one encoding of what they say.");
            return null;
        }

        error = default;
        var nodeId = NodeId.Derive(salt.Span, body.SubjectPublicKeyInfo.Span);
        var identity = new NodeIdentity(
            nodeId, realm, name, roles, body.SubjectPublicKeyInfo, body.Serial, body.NotBefore, body.NotAfter, CertificateHash.Compute(body.Der.Span));
        return new NodeCertificate(body, authorityKeyId, identity, salt);
    }

    private static byte[] Encode(NodeCertificateContent content, SignatureScheme scheme) => CertificateBody.EncodeSigned(
        scheme, content.Serial, content.Realm, content.NotBefore, content.NotAfter, content.SubjectPublicKeyInfo.Span, writer => WriteExtensions(writer, content));

    // The order is part of the profile: [ID-10].
    private static void WriteExtensions(AsnWriter writer, NodeCertificateContent content)
    {
        CertificateBody.WriteExtension(
            writer, CertificateProfile.BasicConstraintsObjectId, ExtensionWeight.Critical, CertificateProfile.NodeBasicConstraints);
        CertificateBody.WriteExtension(writer, CertificateProfile.KeyUsageObjectId, ExtensionWeight.Critical, CertificateProfile.NodeKeyUsage);
        CertificateBody.WriteExtension(
            writer, CertificateProfile.ExtendedKeyUsageObjectId, ExtensionWeight.Optional, CertificateProfile.NodeExtendedKeyUsage);
        CertificateBody.WriteExtension(
            writer, CertificateProfile.SubjectKeyIdObjectId, ExtensionWeight.Optional,
            CertificateBody.EncodeSubjectKeyId(KeyIdentifier.Derive(content.SubjectPublicKeyInfo.Span)));
        CertificateBody.WriteExtension(
            writer, CertificateProfile.AuthorityKeyIdObjectId, ExtensionWeight.Optional, CertificateBody.EncodeAuthorityKeyId(content.AuthorityKeyId));
        CertificateBody.WriteExtension(
            writer, CertificateProfile.SubjectAltNameObjectId, ExtensionWeight.Optional, EncodeUri(content.Realm, content.Name));
        CertificateBody.WriteExtension(writer, CertificateProfile.SaltObjectId, ExtensionWeight.Optional, EncodeSalt(content.Salt.Span));
        CertificateBody.WriteExtension(writer, CertificateProfile.RolesObjectId, ExtensionWeight.Optional, EncodeRoles(content.Roles));
    }

    private static byte[] EncodeSalt(ReadOnlySpan<byte> salt)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(salt);
        return writer.Encode();
    }

    private static bool TryReadSalt(ReadOnlyMemory<byte> value, out ReadOnlyMemory<byte> salt)
    {
        var reader = new AsnReader(value, AsnEncodingRules.DER);
        salt = reader.ReadOctetString();
        return salt.Length == NodeSalt.ByteCount;
    }

    private static byte[] EncodeRoles(NodeRoles roles)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteInteger((int)roles);
        return writer.Encode();
    }

    private static bool TryReadRoles(ReadOnlyMemory<byte> value, out NodeRoles roles)
    {
        var reader = new AsnReader(value, AsnEncodingRules.DER);
        var isRead = reader.TryReadInt32(out var number);
        roles = (NodeRoles)number;
        return isRead && number is > 0 and <= MaxRoles;
    }

    // GeneralNames ::= SEQUENCE { [6] IA5String "macula://<realm id>/<node name>" }
    private static byte[] EncodeUri(RealmId realm, NodeName name)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, $"{CertificateProfile.UriScheme}{realm}/{name}", UriTag);
        }

        return writer.Encode();
    }

    private static bool TryReadUri(ReadOnlyMemory<byte> value, out RealmId realm, [NotNullWhen(true)] out NodeName? name)
    {
        const int RealmStart = 9;
        const int RealmEnd = RealmStart + (2 * RealmId.ByteCount);
        var names = new AsnReader(value, AsnEncodingRules.DER).ReadSequence();
        var uri = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
        names.ThrowIfNotEmpty();
        realm = default;
        name = null;
        return uri.StartsWith(CertificateProfile.UriScheme, StringComparison.Ordinal) && uri.Length > RealmEnd && uri[RealmEnd] == '/'
            && RealmId.TryParse(uri[RealmStart..RealmEnd], out realm) && NodeName.TryParse(uri[(RealmEnd + 1)..], out name);
    }
}

/// <summary>The fields of a node certificate, from which its bytes follow.</summary>
internal sealed record NodeCertificateContent(
    SerialNumber Serial, RealmId Realm, KeyIdentifier AuthorityKeyId, NodeName Name, NodeRoles Roles, ReadOnlyMemory<byte> Salt,
    ReadOnlyMemory<byte> SubjectPublicKeyInfo, WallTime NotBefore, WallTime NotAfter);
