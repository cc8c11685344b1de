using Macula.Identity.Names;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Certificates;

/// <summary>Who a node is: what its certificate says of it. Proved once <see cref="Trust.CertificateJudge"/> has accepted that certificate, and claimed until then.</summary>
public sealed class NodeIdentity
{
    internal NodeIdentity(
        NodeId nodeId, RealmId realmId, NodeName name, NodeRoles roles, ReadOnlyMemory<byte> subjectPublicKeyInfo, SerialNumber serial, WallTime notBefore,
        WallTime notAfter, CertificateHash certificateHash)
    {
        NodeId = nodeId;
        RealmId = realmId;
        Name = name;
        Roles = roles;
        SubjectPublicKeyInfo = subjectPublicKeyInfo;
        Serial = serial;
        NotBefore = notBefore;
        NotAfter = notAfter;
        CertificateHash = certificateHash;
    }

    /// <summary>The id, computed from key and salt.</summary>
    public NodeId NodeId { get; }

    /// <summary>The realm that the node belongs to.</summary>
    public RealmId RealmId { get; }

    /// <summary>The node's name in its realm.</summary>
    public NodeName Name { get; }

    /// <summary>What the node may be; bits without a name are kept and mean nothing.</summary>
    public NodeRoles Roles { get; }

    /// <summary>The node's public key as DER SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary>The number of the certificate that says all this.</summary>
    public SerialNumber Serial { get; }

    /// <summary>The first moment at which the certificate holds, clock skew not counted.</summary>
    public WallTime NotBefore { get; }

    /// <summary>The last moment at which the certificate holds, clock skew not counted.</summary>
    public WallTime NotAfter { get; }

    /// <summary>The moment from which nobody accepts the certificate any more: its last one, and the clock skew that is allowed.</summary>
    public WallTime AcceptedUntil => NotAfter + CertificateProfile.ClockSkew;

    /// <summary>The hash of the certificate that says all this.</summary>
    public CertificateHash CertificateHash { get; }

    /// <summary>The name with the id, for logs.</summary>
    public override string ToString() => $"{Name} ({NodeId})";
}
