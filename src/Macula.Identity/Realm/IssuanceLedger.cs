using Macula.Identity.Certificates;
using Macula.Identity.Names;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Realm;

/// <summary>One certificate that an authority has issued.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Node">The node's id, which stands for its key.</param>
/// <param name="Serial">The certificate's number.</param>
/// <param name="NotAfter">When it ends, clock skew not counted.</param>
public sealed record IssuedCertificate(NodeName Name, NodeId Node, SerialNumber Serial, WallTime NotAfter)
{
    /// <summary>The moment from which nobody takes the certificate any more.</summary>
    internal WallTime End => NotAfter + CertificateProfile.ClockSkew;
}

/// <summary>What an authority has issued and what of it has not expired: by it, one node name has one live key and one key one name.</summary>
internal sealed class IssuanceLedger(IEnumerable<IssuedCertificate> entries)
{
    private readonly List<IssuedCertificate> _entries = [.. entries];

    public IReadOnlyList<IssuedCertificate> Entries => _entries;

    /// <summary>Forgets what has expired.</summary>
    public void Prune(WallTime now) => _entries.RemoveAll(entry => entry.End < now);

    public void Add(IssuedCertificate entry) => _entries.Add(entry);

    // docs/protocol/01-identity.md [ID-18], [ID-19]
    /// <summary>Refuses what would give a name a second key, a key a second name, a revoked key another certificate, or go past a limit.</summary>
    public void RefuseUnlessFree(NodeName name, NodeId node, RevocationList? revocations, AuthorityOptions options, WallTime now)
    {
        bool IsLive(IssuedCertificate entry) => entry.End >= now && revocations?.Covers(entry.Node, entry.Serial) is not true;

        if (revocations is not null && revocations.Entries.Any(entry => entry.Node == node))
        {
            throw new AuthorityException(ErrorCode.NotPermitted, $"The key of node {node} was revoked. Make a new key for {name}.");
        }

        if (_entries.FirstOrDefault(entry => entry.Name == name && entry.Node != node && IsLive(entry)) is { } holder)
        {
            throw new AuthorityException(
                ErrorCode.NotPermitted, $"{name} has a live key already (node {holder.Node}). Renew for that key, or revoke {name} first.");
        }

        if (_entries.FirstOrDefault(entry => entry.Node == node && entry.Name != name && IsLive(entry)) is { } other)
        {
            throw new AuthorityException(ErrorCode.NotPermitted, $"The key belongs to {other.Name}. Make a new key for {name}.");
        }

        var ofNode = _entries.Count(entry => entry.Node == node && IsLive(entry));
        if (ofNode >= options.MaxCertificatesPerNode)
        {
            throw new AuthorityException(
                ErrorCode.LimitExceeded, $"{name} has {ofNode} certificates that have not expired, the most allowed (MaxCertificatesPerNode). Use one of them.");
        }

        if (ofNode == 0 && _entries.Where(IsLive).DistinctBy(entry => entry.Node).Count() >= options.MaxNodes)
        {
            throw new AuthorityException(
                ErrorCode.LimitExceeded, $"The realm has {options.MaxNodes} certified nodes, the most allowed (MaxNodes). Revoke some, or raise the limit.");
        }
    }
}
