namespace Macula.Identity.Certificates;

/// <summary>What every certificate of a realm has in common: limits, and the encodings that never vary (docs/protocol/01-identity.md §3).</summary>
public static class CertificateProfile
{
    /// <summary>Largest certificate that is read, in bytes. One of P-256 has some 700.</summary>
    public const int MaxCertificateBytes = 4096;

    /// <summary>Most certificates that a node may show: its own, and that of the authority that issued it.</summary>
    public const int MaxChainCertificates = 2;

    /// <summary>Object id of the salt extension.</summary>
    public const string SaltObjectId = ExtensionArc + ".1";

    /// <summary>Object id of the roles extension.</summary>
    public const string RolesObjectId = ExtensionArc + ".2";

    /// <summary>How far a clock may be off: a certificate is taken this much before its first and after its last moment, both included.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    // X.667 gives every UUID, read as a number, an arc under 2.25. This one is a UUID whose upper half is zero: GnuTLS reads arcs of
    // 64 bits at most and refuses a certificate that holds a larger one. The 56 bits were drawn at random, once.
    private const string ExtensionArc = "2.25.68246712209274232";

    internal const string CommonNameObjectId = "2.5.4.3";
    internal const string BasicConstraintsObjectId = "2.5.29.19";
    internal const string KeyUsageObjectId = "2.5.29.15";
    internal const string ExtendedKeyUsageObjectId = "2.5.29.37";
    internal const string SubjectKeyIdObjectId = "2.5.29.14";
    internal const string AuthorityKeyIdObjectId = "2.5.29.35";
    internal const string SubjectAltNameObjectId = "2.5.29.17";

    internal const string UriScheme = "macula://";

    // SEQUENCE {}: the default of cA, false, is left out in DER.
    internal static ReadOnlySpan<byte> NodeBasicConstraints => [0x30, 0x00];

    // SEQUENCE { BOOLEAN TRUE, INTEGER 0 }: an authority, under which stand nodes only. Its successor bears the same
    // name, is thereby self-issued, and does not count (RFC 5280 §6.1.4).
    internal static ReadOnlySpan<byte> AuthorityBasicConstraints => [0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];

    // BIT STRING { digitalSignature(0) }
    internal static ReadOnlySpan<byte> NodeKeyUsage => [0x03, 0x02, 0x07, 0x80];

    // BIT STRING { keyCertSign(5) }
    internal static ReadOnlySpan<byte> AuthorityKeyUsage => [0x03, 0x02, 0x02, 0x04];

    // SEQUENCE { id-kp-serverAuth 1.3.6.1.5.5.7.3.1, id-kp-clientAuth 1.3.6.1.5.5.7.3.2 }
    internal static ReadOnlySpan<byte> NodeExtendedKeyUsage =>
    [
        0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02,
    ];
}
