using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using Macula.Identity.Keys;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Certificates;

/// <summary>An X.509 v3 certificate (RFC 5280 §4.1) whose names are realm ids: what node and authority certificates have in common.</summary>
internal sealed class CertificateBody
{
    // A realm's certificates hold 8 extensions at most; the rest is room for a clear message about one too many.
    private const int MaxExtensions = 16;

    private static readonly Asn1Tag VersionTag = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3);

    // X.509 writes years to 2049 with two digits (RFC 5280 §4.1.2.5).
    private const int LastYearOfTwoDigits = 2049;
    private const int FirstYearOfTwoDigits = 1950;

    private readonly List<(string ObjectId, ReadOnlyMemory<byte> Value)> _extensions = [];

    private CertificateBody(ReadOnlyMemory<byte> der) => Der = der;

    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>The bytes that the issuer signed.</summary>
    public ReadOnlyMemory<byte> Signed { get; private set; }

    /// <summary>The issuer's signature, in the scheme's own 64 bytes.</summary>
    public ReadOnlyMemory<byte> Signature { get; private set; }

    public SerialNumber Serial { get; private set; }

    public RealmId Issuer { get; private set; }

    public RealmId Subject { get; private set; }

    public WallTime NotBefore { get; private set; }

    public WallTime NotAfter { get; private set; }

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; private set; }

    /// <summary>The content of an extension; null when the certificate has none of that kind.</summary>
    public ReadOnlyMemory<byte>? Extension(string objectId)
    {
        foreach (var (id, value) in _extensions)
        {
            if (id == objectId)
            {
                return value;
            }
        }

        return null;
    }

    public static ProtocolError Malformed(string requirement, string detail) => new(ErrorCode.CertificateMalformed, requirement, detail);

    /// <summary>Takes a certificate apart. What it accepts may still differ from the one encoding of its fields: the caller writes them again and compares.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> der, SignatureScheme scheme, [NotNullWhen(true)] out CertificateBody? body, out ProtocolError error)
    {
        body = null;
        if (der.Length > CertificateProfile.MaxCertificateBytes)
        {
            error = Malformed("ID-6", $"A certificate of {der.Length} bytes; at most {CertificateProfile.MaxCertificateBytes} are read.");
            return false;
        }

        try
        {
            var candidate = new CertificateBody(der);
            if (candidate.ReadCertificate(scheme) is { } fault)
            {
                error = fault;
                return false;
            }

            body = candidate;
            error = default;
            return true;
        }
        catch (AsnContentException)
        {
            error = Malformed("ID-7", "Bytes that are not DER of an X.509 certificate.");
            return false;
        }
    }

    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }
    private ProtocolError? ReadCertificate(SignatureScheme scheme)
    {
        var outer = new AsnReader(Der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        Signed = certificate.PeekEncodedValue();
        var fault = ReadSigned(certificate.ReadSequence(), scheme);
        if (fault is not null)
        {
            return fault;
        }

        if (!certificate.ReadEncodedValue().Span.SequenceEqual(scheme.AlgorithmIdentifier.Span))
        {
            return Malformed("ID-7", "The signature is not of the realm's scheme.");
        }

        var encoded = certificate.ReadBitString(out var unusedBits);
        certificate.ThrowIfNotEmpty();
        var signature = new byte[SignatureScheme.SignatureBytes];
        if (unusedBits != 0 || !scheme.TryDecodeFromCertificate(encoded, signature))
        {
            return Malformed("ID-7", "The signature is not encoded as its scheme says.");
        }

        Signature = signature;
        return null;
    }

    // TBSCertificate ::= SEQUENCE { [0] version 2, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, [3] extensions }
    private ProtocolError? ReadSigned(AsnReader tbs, SignatureScheme scheme)
    {
        var version = tbs.ReadSequence(VersionTag);
        if (!version.TryReadInt32(out var number) || number != 2)
        {
            return Malformed("ID-7", "Not an X.509 certificate of version 3.");
        }

        version.ThrowIfNotEmpty();
        if (!SerialNumber.TryRead(tbs.ReadIntegerBytes().Span, out var serial))
        {
            return Malformed("ID-8", "The serial number is not one of 16 bytes that begins with the bits 01.");
        }

        Serial = serial;
        if (!tbs.ReadEncodedValue().Span.SequenceEqual(scheme.AlgorithmIdentifier.Span))
        {
            return Malformed("ID-7", "The signature is not of the realm's scheme.");
        }

        var issuerIsRealm = TryReadName(tbs.ReadSequence(), out var issuer);
        var validityIsRead = TryReadValidity(tbs.ReadSequence());
        var subjectIsRealm = TryReadName(tbs.ReadSequence(), out var subject);
        if (!issuerIsRealm || !subjectIsRealm)
        {
            return Malformed("ID-9", "Issuer and subject are not realm ids.");
        }

        if (!validityIsRead)
        {
            return Malformed("ID-8", "The validity is no span of time.");
        }

        (Issuer, Subject) = (issuer, subject);
        SubjectPublicKeyInfo = tbs.ReadEncodedValue();
        if (SubjectPublicKeyInfo.Length > SignatureScheme.MaxPublicKeyBytes || !scheme.AcceptsPublicKey(SubjectPublicKeyInfo.Span))
        {
            return Malformed("ID-7", "The public key is not of the realm's scheme.");
        }

        var wrapped = tbs.ReadSequence(ExtensionsTag);
        var extensions = wrapped.ReadSequence();
        wrapped.ThrowIfNotEmpty();
        tbs.ThrowIfNotEmpty();
        return ReadExtensions(extensions);
    }

    // Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
    private ProtocolError? ReadExtensions(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var objectId = extension.ReadObjectIdentifier();
            if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
            {
                extension.ReadBoolean();
            }

            var value = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();
            if (Extension(objectId) is not null || _extensions.Count == MaxExtensions)
            {
                return Malformed("ID-10", "An extension stands twice, or there are too many.");
            }

            _extensions.Add((objectId, value));
        }

        return null;
    }

    // Name ::= SEQUENCE { SET { SEQUENCE { id-at-commonName, UTF8String realm id in lower-case hex } } }
    private static bool TryReadName(AsnReader name, out RealmId realm)
    {
        var part = name.ReadSetOf();
        name.ThrowIfNotEmpty();
        var attribute = part.ReadSequence();
        part.ThrowIfNotEmpty();
        var isCommonName = attribute.ReadObjectIdentifier() == CertificateProfile.CommonNameObjectId;
        var text = attribute.ReadCharacterString(UniversalTagNumber.UTF8String);
        attribute.ThrowIfNotEmpty();
        realm = default;
        return isCommonName && RealmId.TryParse(text, out realm);
    }

    // Validity ::= SEQUENCE { notBefore, notAfter }, each UTCTime to 2049 and GeneralizedTime from 2050 on
    private bool TryReadValidity(AsnReader validity)
    {
        var isRead = TryReadTime(validity, out var notBefore) & TryReadTime(validity, out var notAfter);
        validity.ThrowIfNotEmpty();
        (NotBefore, NotAfter) = (notBefore, notAfter);
        return isRead && notBefore <= notAfter;
    }

    private static bool TryReadTime(AsnReader validity, out WallTime time)
    {
        var isShort = validity.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime);
        var read = isShort ? validity.ReadUtcTime(LastYearOfTwoDigits) : validity.ReadGeneralizedTime();
        time = WallTime.From(read);
        // [ID-8] GeneralizedTime knows fractions of a second. What is written again from a stranger's time must be a time that can be written:
        // half a second after the last second of 9999 cannot.
        return (isShort || read.Year > LastYearOfTwoDigits) && read.Ticks % TimeSpan.TicksPerSecond == 0 && CanHold(time);
    }

    /// <summary>Writes what an issuer signs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A time lies before 1950 or after 9999, which X.509 cannot say.</exception>
    public static byte[] EncodeSigned(
        SignatureScheme scheme, SerialNumber serial, RealmId realm, WallTime notBefore, WallTime notAfter, ReadOnlySpan<byte> subjectPublicKeyInfo,
        Action<AsnWriter> writeExtensions)
    {
        Span<byte> serialBytes = stackalloc byte[SerialNumber.ByteCount];
        serial.CopyTo(serialBytes);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(VersionTag))
            {
                writer.WriteInteger(2);
            }

            writer.WriteInteger(serialBytes);
            writer.WriteEncodedValue(scheme.AlgorithmIdentifier.Span);
            WriteName(writer, realm);
            using (writer.PushSequence())
            {
                WriteTime(writer, notBefore);
                WriteTime(writer, notAfter);
            }

            WriteName(writer, realm);
            writer.WriteEncodedValue(subjectPublicKeyInfo);
            using (writer.PushSequence(ExtensionsTag))
            using (writer.PushSequence())
            {
                writeExtensions(writer);
            }
        }

        return writer.Encode();
    }

    /// <summary>Joins what was signed and its signature to a certificate.</summary>
    public static byte[] Assemble(SignatureScheme scheme, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(signed);
            writer.WriteEncodedValue(scheme.AlgorithmIdentifier.Span);
            writer.WriteBitString(scheme.EncodeForCertificate(signature));
        }

        return writer.Encode();
    }

    public static void WriteExtension(AsnWriter writer, string objectId, ExtensionWeight weight, ReadOnlySpan<byte> value)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(objectId);
            if (weight == ExtensionWeight.Critical)
            {
                writer.WriteBoolean(true);
            }

            writer.WriteOctetString(value);
        }
    }

    public static byte[] EncodeSubjectKeyId(KeyIdentifier id)
    {
        Span<byte> bytes = stackalloc byte[KeyIdentifier.ByteCount];
        id.CopyTo(bytes);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(bytes);
        return writer.Encode();
    }

    // AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] OCTET STRING }
    public static byte[] EncodeAuthorityKeyId(KeyIdentifier id)
    {
        Span<byte> bytes = stackalloc byte[KeyIdentifier.ByteCount];
        id.CopyTo(bytes);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteOctetString(bytes, new Asn1Tag(TagClass.ContextSpecific, 0));
        }

        return writer.Encode();
    }

    /// <summary>Reads what <see cref="EncodeAuthorityKeyId"/> writes.</summary>
    public static bool TryDecodeAuthorityKeyId(ReadOnlySpan<byte> value, out KeyIdentifier id)
    {
        // 30 16 | 80 14 | 20 bytes
        ReadOnlySpan<byte> prefix = [0x30, KeyIdentifier.ByteCount + 2, 0x80, KeyIdentifier.ByteCount];
        id = default;
        return value.StartsWith(prefix) && KeyIdentifier.TryRead(value[prefix.Length..], out id);
    }

    /// <summary>Whether a time can stand in a certificate.</summary>
    public static bool CanHold(WallTime time) =>
        time.UnixMilliseconds >= Earliest.UnixMilliseconds && time.UnixMilliseconds <= Latest.UnixMilliseconds;

    private static WallTime Earliest { get; } = WallTime.From(new DateTimeOffset(FirstYearOfTwoDigits, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private static WallTime Latest { get; } = WallTime.From(new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero));

    private static void WriteName(AsnWriter writer, RealmId realm)
    {
        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(CertificateProfile.CommonNameObjectId);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, realm.ToString());
        }
    }

    private static void WriteTime(AsnWriter writer, WallTime time)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(CanHold(time), false, nameof(time));
        var value = time.ToDateTimeOffset();
        if (value.Year <= LastYearOfTwoDigits)
        {
            writer.WriteUtcTime(value, LastYearOfTwoDigits);
        }
        else
        {
            writer.WriteGeneralizedTime(value, omitFractionalSeconds: true);
        }
    }
}

/// <summary>Whether a reader that does not know an extension must refuse the certificate (RFC 5280 §4.2).</summary>
internal enum ExtensionWeight
{
    Optional,
    Critical,
}
