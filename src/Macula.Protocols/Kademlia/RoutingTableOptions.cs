namespace Macula.Protocols.Kademlia;

/// <summary>Limits of a routing table.</summary>
public sealed record RoutingTableOptions
{
    /// <summary>How often in a row a node may fail before it goes, when nobody waits for its place. Default 3; at least 1.</summary>
    /// <remarks>When somebody waits, the first failure is enough.</remarks>
    public int MaxFailures { get; init; } = 3;

    /// <summary>How long a node is not pinged on behalf of one that waits for its place, after it was heard. Default 30 s.</summary>
    public TimeSpan FreshFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After what time without a lookup in its range a bucket is refreshed. Default 1 h (Maymounkov &amp; Mazières 2002, §2.3).</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>After what time a ping that nobody reported on counts as failed. Default 10 s.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most pings under way. Default 32; further nodes that were heard of wait, or are forgotten. At least 1.</summary>
    public int MaxPings { get; init; } = 32;

    /// <summary>Which addresses may be dialled. Default <see cref="AddressPolicy.Default"/>.</summary>
    public AddressPolicy Addresses { get; init; } = AddressPolicy.Default;
}
