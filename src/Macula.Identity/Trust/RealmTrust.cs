using Macula.Identity.Certificates;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Trust;

/// <summary>Whom a node of a realm believes: the realm's authorities, less what they have revoked. The machine's own certificate store has no part in it.</summary>
public sealed class RealmTrust
{
    /// <summary>Takes what a realm file says.</summary>
    /// <param name="realm">A realm file; loading it has checked its signatures.</param>
    public RealmTrust(RealmFile realm)
    {
        RealmId = realm.Id;
        Scheme = realm.Scheme;
        Authorities = realm.Authorities;
        Revocations = realm.Revocations;
        Fingerprint = CertificateHash.Compute([.. Authorities.SelectMany(authority => authority.Der.ToArray())]);
    }

    /// <summary>The realm that a certificate must name.</summary>
    public RealmId RealmId { get; }

    /// <summary>The scheme of every signature in the realm.</summary>
    public SignatureScheme Scheme { get; }

    /// <summary>Whose signature on a certificate counts.</summary>
    public IReadOnlyList<AuthorityCertificate> Authorities { get; }

    /// <summary>What no longer counts; null when nothing was revoked.</summary>
    public RevocationList? Revocations { get; }

    /// <summary>Names this set of authorities: what was verified under one set is not taken for verified under another.</summary>
    internal CertificateHash Fingerprint { get; }
}
