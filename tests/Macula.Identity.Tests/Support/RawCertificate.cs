using System.Formats.Asn1;
using Macula.Identity.Certificates;
using Macula.Identity.Keys;

namespace Macula.Identity.Tests.Support;

/// <summary>One extension of a hand-made certificate.</summary>
public sealed record RawExtension(string ObjectId, bool Critical, byte[] Value);

/// <summary>A certificate written field by field, so that each can be wrong. Left alone it is exactly what an authority issues.</summary>
public sealed class RawCertificate
{
    public const string BasicConstraints = "2.5.29.19";
    public const string KeyUsage = "2.5.29.15";
    public const string ExtendedKeyUsage = "2.5.29.37";
    public const string AlternativeName = "2.5.29.17";
    public const string AuthorityKeyId = "2.5.29.35";

    public int Version { get; set; } = 2;

    public byte[] Serial { get; set; } = [0x40, .. new byte[15]];

    public byte[] Algorithm { get; set; } = [];

    public string Issuer { get; set; } = "";

    public string Subject { get; set; } = "";

    public DateTimeOffset NotBefore { get; set; } = TestRealm.Start.ToDateTimeOffset();

    public DateTimeOffset NotAfter { get; set; } = TestRealm.Start.ToDateTimeOffset().AddDays(1);

    /// <summary>Both times as they stand in the certificate, in place of <see cref="NotBefore"/> and <see cref="NotAfter"/>; null writes those.</summary>
    public byte[]? Validity { get; set; }

    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; set; }

    public List<RawExtension> Extensions { get; } = [];

    /// <summary>The fields of a good node certificate of a realm.</summary>
    public static RawCertificate OfNode(TestRealm realm, SigningKey? key = null, string name = "node-1", string? uriRealm = null)
    {
        var id = realm.Authority.Realm.Id.ToString();
        var spki = (key ?? realm.NewKey()).SubjectPublicKeyInfo;
        var raw = new RawCertificate
        {
            Algorithm = realm.Scheme.AlgorithmIdentifier.ToArray(), Issuer = id, Subject = id, SubjectPublicKeyInfo = spki,
        };
        raw.Extensions.AddRange(
        [
            new(BasicConstraints, true, [0x30, 0x00]),
            new(KeyUsage, true, [0x03, 0x02, 0x07, 0x80]),
            new(ExtendedKeyUsage, false, Usages("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2")),
            new("2.5.29.14", false, [0x04, 0x14, .. Bytes(KeyIdentifier.Derive(spki.Span))]),
            new(AuthorityKeyId, false, [0x30, 0x16, 0x80, 0x14, .. Bytes(realm.Authority.Realm.Authorities[^1].KeyId)]),
            new(AlternativeName, false, Uri($"macula://{uriRealm ?? id}/{name}")),
            new(CertificateProfile.SaltObjectId, false, [0x04, 0x10, .. new byte[16]]),
            new(CertificateProfile.RolesObjectId, false, [0x02, 0x01, 0x01]),
        ]);
        return raw;
    }

    /// <summary>The fields of a good certificate for the next authority key of a realm.</summary>
    public static RawCertificate OfAuthority(TestRealm realm, SigningKey key)
    {
        var id = realm.Authority.Realm.Id.ToString();
        var raw = new RawCertificate
        {
            Algorithm = realm.Scheme.AlgorithmIdentifier.ToArray(), Issuer = id, Subject = id, SubjectPublicKeyInfo = key.SubjectPublicKeyInfo,
        };
        raw.Extensions.AddRange(
        [
            new(BasicConstraints, true, [0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00]),
            new(KeyUsage, true, [0x03, 0x02, 0x02, 0x04]),
            new("2.5.29.14", false, [0x04, 0x14, .. Bytes(KeyIdentifier.Derive(key.SubjectPublicKeyInfo.Span))]),
            new(AuthorityKeyId, false, [0x30, 0x16, 0x80, 0x14, .. Bytes(realm.Authority.Realm.Authorities[^1].KeyId)]),
        ]);
        return raw;
    }

    /// <summary>Puts another extension in the place of the one with this object id.</summary>
    public RawCertificate Replace(string objectId, byte[] value)
    {
        var index = Extensions.FindIndex(extension => extension.ObjectId == objectId);
        Extensions[index] = Extensions[index] with { Value = value };
        return this;
    }

    public RawCertificate Remove(string objectId)
    {
        Extensions.RemoveAll(extension => extension.ObjectId == objectId);
        return this;
    }

    public byte[] Sign(SigningKey issuer, SignatureScheme scheme)
    {
        var signed = EncodeSigned();
        return Assemble(signed, issuer.Sign(signed), scheme);
    }

    /// <summary>The certificate under a signature that nobody made: what any stranger can send.</summary>
    public byte[] LeaveUnsigned(SignatureScheme scheme, byte filler = 1)
    {
        var signature = new byte[SignatureScheme.SignatureBytes];
        signature.AsSpan().Fill(filler);
        return Assemble(EncodeSigned(), signature, scheme);
    }

    private byte[] Assemble(byte[] signed, byte[] signature, SignatureScheme scheme)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(signed);
            writer.WriteEncodedValue(Algorithm);
            writer.WriteBitString(scheme.EncodeForCertificate(signature));
        }

        return writer.Encode();
    }

    public static byte[] Usages(params string[] objectIds)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var objectId in objectIds)
            {
                writer.WriteObjectIdentifier(objectId);
            }
        }

        return writer.Encode();
    }

    public static byte[] Uri(string uri)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
        }

        return writer.Encode();
    }

    /// <summary>The same certificate with the other signature of ECDSA, (r, n - s) for (r, s): anybody can compute it.</summary>
    public static byte[] Twin(ReadOnlyMemory<byte> der)
    {
        var order = new System.Numerics.BigInteger(Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), true, true);
        var reader = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        var signed = reader.ReadEncodedValue();
        var algorithm = reader.ReadEncodedValue();
        var signature = new AsnReader(reader.ReadBitString(out _), AsnEncodingRules.DER).ReadSequence();
        var inner = new AsnWriter(AsnEncodingRules.DER);
        using (inner.PushSequence())
        {
            inner.WriteInteger(signature.ReadInteger());
            inner.WriteInteger(order - signature.ReadInteger());
        }

        var outer = new AsnWriter(AsnEncodingRules.DER);
        using (outer.PushSequence())
        {
            outer.WriteEncodedValue(signed.Span);
            outer.WriteEncodedValue(algorithm.Span);
            outer.WriteBitString(inner.Encode());
        }

        return outer.Encode();
    }

    private byte[] EncodeSigned()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                writer.WriteInteger(Version);
            }

            writer.WriteInteger(Serial);
            writer.WriteEncodedValue(Algorithm);
            WriteName(writer, Issuer);
            WriteValidity(writer);
            WriteName(writer, Subject);
            writer.WriteEncodedValue(SubjectPublicKeyInfo.Span);
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 3)))
            using (writer.PushSequence())
            {
                Extensions.ForEach(extension => Write(writer, extension));
            }
        }

        return writer.Encode();
    }

    private void WriteValidity(AsnWriter writer)
    {
        if (Validity is not null)
        {
            // The writer looks at the outer length alone, so the times inside may be anything; a short length is enough for both.
            writer.WriteEncodedValue([0x30, (byte)Validity.Length, .. Validity]);
            return;
        }

        using (writer.PushSequence())
        {
            writer.WriteUtcTime(NotBefore);
            writer.WriteUtcTime(NotAfter);
        }
    }

    private static void Write(AsnWriter writer, RawExtension extension)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(extension.ObjectId);
            if (extension.Critical)
            {
                writer.WriteBoolean(true);
            }

            writer.WriteOctetString(extension.Value);
        }
    }

    private static void WriteName(AsnWriter writer, string commonName)
    {
        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier("2.5.4.3");
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, commonName);
        }
    }

    private static byte[] Bytes(KeyIdentifier id) => Convert.FromHexString(id.ToString());
}
