using Macula.Identity.Certificates;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Realm;

/// <summary>A realm's certificate authority: whoever holds it decides who is a member.</summary>
/// <remarks>
/// Not for several threads at once. Nothing reaches the disk but through <see cref="AuthorityStore"/>. Given a deterministic scheme, the same
/// random source and times give the same bytes. docs/protocol/01-identity.md §2.
/// </remarks>
public sealed class RealmAuthority : IDisposable
{
    private const NodeRoles NamedRoles = NodeRoles.Peer | NodeRoles.Gateway | NodeRoles.Bootstrap;

    private readonly AuthorityOptions _options;
    private readonly byte[] _saltSecret;
    private readonly IssuanceLedger _ledger;
    private SigningKey _key;

    internal RealmAuthority(RealmFile realm, SigningKey key, byte[] saltSecret, IssuanceLedger ledger, AuthorityOptions options)
    {
        Realm = realm;
        _key = key;
        _saltSecret = saltSecret;
        _ledger = ledger;
        _options = options;
    }

    /// <summary>The realm file as it stands now: give it to every member.</summary>
    public RealmFile Realm { get; private set; }

    /// <summary>The certificates issued and not expired when last one was issued, oldest first; revoked ones among them.</summary>
    public IReadOnlyList<IssuedCertificate> Issued => _ledger.Entries;

    internal SigningKey Key => _key;

    internal ReadOnlySpan<byte> SaltSecret => _saltSecret;

    /// <summary>Founds a realm: a key, a self-signed certificate, the first policy (<see cref="RealmPolicy.FirstRules"/>) and an empty revocation list, both with number 1.</summary>
    /// <param name="name">What people will call the realm.</param>
    /// <param name="scheme">The scheme of every signature in it.</param>
    /// <param name="random">Where salt secret, serial numbers and, if the scheme wants, the key come from.</param>
    /// <param name="now">When the certificate begins.</param>
    /// <param name="options">Lifetimes and limits; null takes the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or the time cannot stand in a certificate.</exception>
    public static RealmAuthority Create(RealmName name, SignatureScheme scheme, RandomSource random, WallTime now, AuthorityOptions? options = null)
    {
        options ??= new AuthorityOptions();
        options.Validate();
        var key = scheme.CreateKey(random);
        var id = RealmId.Derive(key.SubjectPublicKeyInfo.Span);
        var saltSecret = new byte[NodeSalt.SecretBytes];
        random.Fill(saltSecret);
        var start = ToWholeSeconds(now);
        var certificate = AuthorityCertificate.Issue(id, key, key, scheme, random, start, start + options.AuthorityLifetime);
        var realm = new RealmFile(name, scheme, [certificate])
            .With(RealmPolicy.Create(id, 1, RealmPolicy.FirstRules, key))
            .With(RevocationList.Create(id, 1, [], key));
        return new RealmAuthority(realm, key, saltSecret, new IssuanceLedger([]), options);
    }

    /// <summary>The id that a key has in this realm: the same for every certificate of that key.</summary>
    /// <param name="subjectPublicKeyInfo">The key as DER SubjectPublicKeyInfo.</param>
    public NodeId IdOf(ReadOnlySpan<byte> subjectPublicKeyInfo) => NodeId.Derive(NodeSalt.Derive(_saltSecret, subjectPublicKeyInfo), subjectPublicKeyInfo);

    /// <summary>Certifies a node's key, for the first time or again.</summary>
    /// <param name="request">What the certificate is to say.</param>
    /// <param name="random">Where the serial number comes from.</param>
    /// <param name="now">When it begins, cut to whole seconds.</param>
    /// <exception cref="AuthorityException">
    /// The name has another live key, the key another name; the key was revoked or is not of the realm's scheme; roles or lifetime are out of
    /// range; a limit is reached; the authority's own certificate has expired.
    /// </exception>
    public NodeCertificate Issue(NodeCertificateRequest request, RandomSource random, WallTime now)
    {
        var authority = Realm.Authorities[^1];
        var start = ToWholeSeconds(now);
        var lifetime = request.Lifetime ?? _options.NodeLifetime;
        RefuseUnlessSound(request, lifetime, authority, start);
        _ledger.Prune(now);
        var key = request.SubjectPublicKeyInfo.Span;
        _ledger.RefuseUnlessFree(request.Name, IdOf(key), Realm.Revocations, _options, now);

        var end = ToWholeSeconds(start + lifetime);
        var content = new NodeCertificateContent(
            SerialNumber.Create(random), Realm.Id, authority.KeyId, request.Name, request.Roles, NodeSalt.Derive(_saltSecret, key),
            request.SubjectPublicKeyInfo.ToArray(), start, end < authority.NotAfter ? end : authority.NotAfter);
        var certificate = NodeCertificate.Issue(content, _key, Realm.Scheme);
        var identity = certificate.Identity;
        _ledger.Add(new IssuedCertificate(identity.Name, identity.NodeId, identity.Serial, identity.NotAfter));
        return certificate;
    }

    /// <summary>Revokes a node: its key and with it every certificate of that key. The name is free for another key at once.</summary>
    /// <param name="name">The node.</param>
    /// <param name="now">The time.</param>
    /// <param name="reason">Why, as every member may read it.</param>
    /// <returns>The new revocation list, already in <see cref="Realm"/>.</returns>
    /// <exception cref="AuthorityException">No certificate of that name is live, or the list is full.</exception>
    public RevocationList Revoke(NodeName name, WallTime now, RevocationReason reason)
    {
        var live = _ledger.Entries.Where(entry => entry.Name == name && IsLive(entry, now)).ToList();
        if (live.Count == 0)
        {
            throw new AuthorityException(ErrorCode.InvalidArgument, $"No live certificate bears the name {name}; there is nothing to revoke.");
        }

        // One name has one live key; every certificate of that key counts, also those revoked one by one before.
        var node = live[0].Node;
        var until = _ledger.Entries.Where(entry => entry.Node == node).Max(entry => entry.End);
        return Revoke(new Revocation(node, null, now, until, reason), now);
    }

    /// <summary>Revokes one certificate; others of the same key stay valid.</summary>
    /// <param name="serial">The certificate's number.</param>
    /// <param name="now">The time.</param>
    /// <param name="reason">Why, as every member may read it.</param>
    /// <returns>The new revocation list, already in <see cref="Realm"/>.</returns>
    /// <exception cref="AuthorityException">No live certificate has this number, or the list is full.</exception>
    public RevocationList Revoke(SerialNumber serial, WallTime now, RevocationReason reason)
    {
        var entry = _ledger.Entries.FirstOrDefault(entry => entry.Serial == serial && IsLive(entry, now))
            ?? throw new AuthorityException(ErrorCode.InvalidArgument, $"No live certificate has the serial number {serial}; there is nothing to revoke.");
        return Revoke(new Revocation(null, serial, now, entry.End, reason), now);
    }

    /// <summary>Signs a new policy with the next number.</summary>
    /// <param name="rules">The rules; an empty list permits nothing.</param>
    /// <returns>The policy, already in <see cref="Realm"/>.</returns>
    /// <exception cref="ArgumentException">There are too many rules, or their text is too long.</exception>
    public RealmPolicy SignPolicy(IReadOnlyList<PolicyRule> rules)
    {
        var policy = RealmPolicy.Create(Realm.Id, NextSequence(Realm.Policy?.Sequence), rules, _key);
        Realm = Realm.With(policy);
        return policy;
    }

    /// <summary>Sets where new nodes find the realm.</summary>
    /// <param name="bootstraps">The addresses, at most 32.</param>
    /// <exception cref="ArgumentException">There are more than 32.</exception>
    public void SetBootstraps(IReadOnlyList<BootstrapAddress> bootstraps) => Realm = Realm.WithBootstraps(bootstraps);

    /// <summary>Makes a new authority key, signed by the present one, which then signs no more. The realm's id stays, and so do the ids of its nodes.</summary>
    /// <param name="random">Where serial number and, if the scheme wants, the key come from.</param>
    /// <param name="now">When the new key's certificate begins.</param>
    /// <exception cref="AuthorityException">The realm has had 8 keys, or the present key's certificate has expired.</exception>
    /// <remarks>Members need the new realm file before they accept certificates of the new key; those of the old one stay valid.</remarks>
    public void RotateKey(RandomSource random, WallTime now)
    {
        var start = ToWholeSeconds(now);
        RefuseIfExpired(Realm.Authorities[^1], start);
        if (Realm.Authorities.Count == RealmFile.MaxAuthorities)
        {
            throw new AuthorityException(ErrorCode.LimitExceeded, $"The realm has had {RealmFile.MaxAuthorities} keys, the most allowed.");
        }

        var next = Realm.Scheme.CreateKey(random);
        Realm = Realm.WithAuthority(AuthorityCertificate.Issue(Realm.Id, next, _key, Realm.Scheme, random, start, start + _options.AuthorityLifetime));
        _key.Dispose();
        _key = next;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _key.Dispose();
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(_saltSecret);
    }

    private RevocationList Revoke(Revocation revocation, WallTime now)
    {
        var entries = (Realm.Revocations?.Entries ?? []).Where(entry => entry.Until >= now).Append(revocation).ToList();
        if (entries.Count > RevocationList.MaxEntries)
        {
            throw new AuthorityException(
                ErrorCode.LimitExceeded, $"The revocation list has {RevocationList.MaxEntries} lines, the most allowed, and none has expired. Rotate the authority's key.");
        }

        var list = RevocationList.Create(Realm.Id, NextSequence(Realm.Revocations?.Sequence), entries, _key);
        Realm = Realm.With(list);
        return list;
    }

    private bool IsLive(IssuedCertificate entry, WallTime now) =>
        entry.End >= now && Realm.Revocations?.Covers(entry.Node, entry.Serial) is not true;

    private void RefuseUnlessSound(NodeCertificateRequest request, TimeSpan lifetime, AuthorityCertificate authority, WallTime start)
    {
        RefuseIfExpired(authority, start);
        if (request.Roles == NodeRoles.None || (request.Roles & ~NamedRoles) != 0)
        {
            throw new AuthorityException(ErrorCode.InvalidArgument, "A node has at least one of the roles peer, gateway and bootstrap, and no other.");
        }

        if (lifetime < AuthorityOptions.MinNodeLifetime || lifetime > _options.AuthorityLifetime)
        {
            throw new AuthorityException(
                ErrorCode.InvalidArgument, $"A certificate lives from {AuthorityOptions.MinNodeLifetime} to {_options.AuthorityLifetime}, not {lifetime}.");
        }

        if (!Realm.Scheme.AcceptsPublicKey(request.SubjectPublicKeyInfo.Span))
        {
            throw new AuthorityException(ErrorCode.InvalidArgument, "The public key is not of the realm's scheme (ECDSA P-256, uncompressed).");
        }

        if (Realm.Authorities.Any(known => known.SubjectPublicKeyInfo.Span.SequenceEqual(request.SubjectPublicKeyInfo.Span)))
        {
            throw new AuthorityException(ErrorCode.InvalidArgument, "The key is the authority's own; a node needs one of its own.");
        }
    }

    private static void RefuseIfExpired(AuthorityCertificate authority, WallTime start)
    {
        if (start < authority.NotBefore || start >= authority.NotAfter)
        {
            throw new AuthorityException(
                ErrorCode.CertificateExpired, "The authority's own certificate is not valid at this time. Look at the clock; rotate the key before it expires.");
        }
    }

    private static long NextSequence(long? sequence) => (sequence ?? 0) + 1;

    // X.509 counts in seconds.
    private static WallTime ToWholeSeconds(WallTime time) => new(time.UnixMilliseconds - (((time.UnixMilliseconds % 1000) + 1000) % 1000));
}
