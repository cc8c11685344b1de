namespace Macula.Identity.Realm;

/// <summary>How long certificates live, and how many there may be (docs/protocol/01-identity.md [ID-19]).</summary>
public sealed record AuthorityOptions
{
    /// <summary>Shortest life of a node's certificate.</summary>
    public static readonly TimeSpan MinNodeLifetime = TimeSpan.FromMinutes(1);

    /// <summary>How long a node's certificate lives unless the request says otherwise. Default 90 days; range 1 minute to the life of the authority.</summary>
    /// <remarks>It never outlives the authority's own certificate.</remarks>
    public TimeSpan NodeLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How long the certificate of an authority key lives. Default 10 years of 365 days; range 1 minute to 100 years.</summary>
    public TimeSpan AuthorityLifetime { get; init; } = TimeSpan.FromDays(3650);

    /// <summary>Most nodes that may be certified at one time. Default 10,000; range 1 to <see cref="RevocationList.MaxEntries"/>, so that they can all be revoked.</summary>
    /// <remarks>The cap on issuance is what keeps one who may enrol nodes from filling the DHT with them.</remarks>
    public int MaxNodes { get; init; } = RevocationList.MaxEntries;

    /// <summary>Most certificates of one node that may live at one time, by renewals. Default 16; range 1 to 1,000.</summary>
    public int MaxCertificatesPerNode { get; init; } = 16;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(NodeLifetime, MinNodeLifetime);
        ArgumentOutOfRangeException.ThrowIfLessThan(AuthorityLifetime, MinNodeLifetime);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(AuthorityLifetime, TimeSpan.FromDays(36500));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxNodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxNodes, RevocationList.MaxEntries);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxCertificatesPerNode, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxCertificatesPerNode, 1000);
    }
}
