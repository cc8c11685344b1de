using System.Diagnostics.CodeAnalysis;
using Macula.Identity.Certificates;
using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Realm;

/// <summary>What every member of a realm gets: its name and id, authorities, bootstrap addresses, newest policy and revocation list. It holds no secret.</summary>
/// <remarks>
/// Immutable. Id, authorities, policy and revocation list prove themselves; name and addresses are worth as much as the way that the file came.
/// docs/protocol/01-identity.md §5 [ID-22].
/// </remarks>
public sealed class RealmFile
{
    /// <summary>The one format that is written and read.</summary>
    public const int FormatVersion = 1;

    /// <summary>Largest realm file in bytes: room for the longest revocation list.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Most authority keys, one after the other, in the life of a realm.</summary>
    public const int MaxAuthorities = 8;

    /// <summary>Most bootstrap addresses.</summary>
    public const int MaxBootstraps = 32;

    private const string Cure = "Get the realm file again from whoever runs the realm.";

    internal RealmFile(RealmName name, SignatureScheme scheme, IReadOnlyList<AuthorityCertificate> authorities)
    {
        Name = name;
        Scheme = scheme;
        Authorities = authorities;
        Bootstraps = [];
    }

    private RealmFile(RealmFile other)
    {
        Name = other.Name;
        Scheme = other.Scheme;
        Authorities = other.Authorities;
        Bootstraps = other.Bootstraps;
        Policy = other.Policy;
        Revocations = other.Revocations;
    }

    /// <summary>The realm's id.</summary>
    public RealmId Id => Authorities[0].RealmId;

    /// <summary>What people call the realm.</summary>
    public RealmName Name { get; }

    /// <summary>The scheme of every signature in the realm.</summary>
    public SignatureScheme Scheme { get; }

    /// <summary>The authority's keys, the first (whose hash is the id) to the newest; at least one.</summary>
    public IReadOnlyList<AuthorityCertificate> Authorities { get; private init; }

    /// <summary>Where a new node finds the realm; may be empty.</summary>
    public IReadOnlyList<BootstrapAddress> Bootstraps { get; private init; }

    /// <summary>The newest policy; null when there is none, which permits nothing.</summary>
    public RealmPolicy? Policy { get; private init; }

    /// <summary>The newest revocation list; null when there is none, which revokes nothing.</summary>
    public RevocationList? Revocations { get; private init; }

    /// <summary>Loads a realm file and checks every signature in it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="scheme">The scheme of the realm's signatures.</param>
    /// <exception cref="IdentityFileException">The file is missing, unreadable, or not a realm file whose parts fit together; the message says which.</exception>
    public static RealmFile Load(string path, SignatureScheme scheme) =>
        Parse(IdentityFile.Read(path, MaxBytes, FileSecrecy.Shared, Cure), path, scheme);

    /// <summary>Reads a realm file from memory and checks every signature in it.</summary>
    /// <param name="utf8">The file's bytes.</param>
    /// <param name="path">What error messages call the file.</param>
    /// <param name="scheme">The scheme of the realm's signatures.</param>
    /// <exception cref="IdentityFileException">The bytes are not a realm file whose parts fit together; the message says why.</exception>
    public static RealmFile Parse(ReadOnlySpan<byte> utf8, string path, SignatureScheme scheme)
    {
        IdentityFileException Malformed(string found) => new(FileFault.Malformed, path, found, Cure);

        var text = FileText.ReadRealmFile(utf8, path, Cure);
        if (text.Format != FormatVersion)
        {
            throw new IdentityFileException(
                FileFault.Malformed, path, $"is a realm file of format {text.Format}; this version reads format {FormatVersion}.", "Use the version of Macula that wrote it.");
        }

        if (!RealmName.TryParse(text.Name, out var name))
        {
            throw Malformed("holds no valid realm name.");
        }

        var authorities = ReadAuthorities(text, scheme, out var fault) ?? throw Malformed(fault);
        if (text.Bootstraps.Count > MaxBootstraps)
        {
            throw Malformed($"holds more than {MaxBootstraps} bootstrap addresses.");
        }

        var bootstraps = new List<BootstrapAddress>();
        foreach (var entry in text.Bootstraps)
        {
            bootstraps.Add(BootstrapAddress.TryParse(entry, out var address) ? address : throw Malformed($"holds a bootstrap address that is not host:port ('{entry}')."));
        }

        var file = new RealmFile(name, scheme, authorities) { Bootstraps = bootstraps };
        return Adopt(Adopt(file, DocumentKind.Policy, text.Policy), DocumentKind.Revocations, text.Revocations);

        RealmFile Adopt(RealmFile onto, DocumentKind kind, DocumentText? document) =>
            document is null ? onto
            : onto.TryAdopt(kind, document.ToDocument(), out var newer, out var reason) ? newer
            : throw Malformed($"holds a {WordOf(kind)} that cannot be used: {reason}.");
    }

    /// <summary>The file as UTF-8 JSON, fit to be read by people.</summary>
    public byte[] ToUtf8() => FileText.Write(new RealmFileText(
        FormatVersion, Name.Value, Id.ToString(), [.. Authorities.Select(authority => authority.Der.ToArray())],
        [.. Bootstraps.Select(address => address.ToString())], DocumentText.From(Policy?.Document), DocumentText.From(Revocations?.Document)));

    /// <summary>Writes the file in place of the one that may be there; whoever reads meanwhile sees one of the two, whole.</summary>
    /// <exception cref="IdentityFileException">It cannot be written.</exception>
    public void Save(string path) => IdentityFile.Replace(path, ToUtf8(), FileSecrecy.Shared);

    /// <summary>This file with other bootstrap addresses.</summary>
    /// <param name="bootstraps">The addresses, at most 32.</param>
    /// <exception cref="ArgumentException">There are more than 32.</exception>
    public RealmFile WithBootstraps(IReadOnlyList<BootstrapAddress> bootstraps) =>
        bootstraps.Count <= MaxBootstraps
            ? new RealmFile(this) { Bootstraps = [.. bootstraps] }
            : throw new ArgumentException($"A realm has at most {MaxBootstraps} bootstrap addresses.", nameof(bootstraps));

    /// <summary>Takes a policy or revocation list that came from anywhere, if the realm's authority signed it and its number is higher than that of the one held.</summary>
    /// <param name="kind">What it is said to be.</param>
    /// <param name="document">Its bytes and signature, from a stranger too.</param>
    /// <param name="newer">This file with it; this very file when it holds the same document already.</param>
    /// <param name="fault">Why not, when the answer is false, as the rest of a sentence.</param>
    public bool TryAdopt(
        DocumentKind kind, SignedDocument document, [NotNullWhen(true)] out RealmFile? newer, [NotNullWhen(false)] out string? fault)
    {
        newer = null;
        var held = kind == DocumentKind.Policy ? Policy?.Document : Revocations?.Document;
        if (held is not null && held.Sequence == document.Sequence && held.Content == document.Content)
        {
            newer = this;
            fault = null;
            return true;
        }

        // [ID-21] Also with a valid signature a lower number never replaces a higher one: that would bring back what was revoked.
        if (held is not null && document.Sequence <= held.Sequence)
        {
            fault = $"its number {document.Sequence} is not higher than {held.Sequence}, that of the one held";
            return false;
        }

        if (document.Content.Length > SignedDocument.MaxContentBytes || !document.IsSignedByAny(Authorities, kind, Id, Scheme))
        {
            fault = "no authority of the realm signed it, or it is too long";
            return false;
        }

        if (kind == DocumentKind.Policy)
        {
            newer = RealmPolicy.TryRead(document, out var policy, out fault) ? new RealmFile(this) { Policy = policy } : null;
        }
        else
        {
            newer = RevocationList.TryRead(document, out var list, out fault) ? new RealmFile(this) { Revocations = list } : null;
        }

        return newer is not null;
    }

    internal RealmFile WithAuthority(AuthorityCertificate newest) => new(this) { Authorities = [.. Authorities, newest] };

    internal RealmFile With(RealmPolicy policy) => new(this) { Policy = policy };

    internal RealmFile With(RevocationList revocations) => new(this) { Revocations = revocations };

    private static string WordOf(DocumentKind kind) => kind == DocumentKind.Policy ? "policy" : "revocation list";

    // [ID-1], [ID-12]: the first key hashes to the realm's id and signs itself, each further one is signed by the one before.
    private static List<AuthorityCertificate>? ReadAuthorities(RealmFileText text, SignatureScheme scheme, out string fault)
    {
        fault = "";
        var authorities = new List<AuthorityCertificate>();
        if (!RealmId.TryParse(text.Id, out var id) || text.Authorities.Count is < 1 or > MaxAuthorities)
        {
            fault = $"holds no valid realm id, or not 1 to {MaxAuthorities} authority certificates.";
            return null;
        }

        foreach (var der in text.Authorities)
        {
            if (!AuthorityCertificate.TryRead(der, scheme, out var authority, out ProtocolError error))
            {
                fault = $"holds an authority certificate that is none: {error.Detail}";
                return null;
            }

            var issuer = authorities.Count == 0 ? authority : authorities[^1];
            if (authorities.Count == 0 && RealmId.Derive(authority.SubjectPublicKeyInfo.Span) != id)
            {
                fault = "holds a realm id that is not the hash of its first authority's key.";
                return null;
            }

            if (authority.RealmId != id || authority.IssuerKeyId != issuer.KeyId || !authority.IsSignedBy(issuer.SubjectPublicKeyInfo.Span, scheme)
                || authorities.Any(earlier => earlier.KeyId == authority.KeyId))
            {
                fault = "holds an authority certificate that the key before it did not sign for this realm.";
                return null;
            }

            authorities.Add(authority);
        }

        return authorities;
    }
}
