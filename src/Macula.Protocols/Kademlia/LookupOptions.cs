namespace Macula.Protocols.Kademlia;

/// <summary>Limits of one lookup.</summary>
public sealed record LookupOptions
{
    /// <summary>How many of the nearest nodes must have answered. Default and most 20 (k); at least 1.</summary>
    public int ResultCount { get; init; } = KademliaConstants.BucketSize;

    /// <summary>How many nodes are asked at once while there is progress. Default 3 (alpha); 1 to <see cref="ResultCount"/>.</summary>
    public int Parallelism { get; init; } = KademliaConstants.Parallelism;

    /// <summary>Most nodes that are asked, so that liars who always name somebody nearer come to an end. Default 128; at least 1.</summary>
    /// <remarks>An honest lookup among ten thousand nodes asks about 30.</remarks>
    public int MaxQueries { get; init; } = 128;

    /// <summary>Longest time until a lookup ends with what it has. Default 20 s.</summary>
    public TimeSpan MaxDuration { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the records of an answer may be verified, certificates fetched included, before the lookup goes on without them. Default 5 s.</summary>
    /// <remarks>A page of 512 records takes about 50 ms. Whoever sends records and keeps a certificate back must not hold the lookup up to its end.</remarks>
    public TimeSpan VerificationTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most nodes that are remembered; the farthest that were not asked go first. Default 256; at least <see cref="ResultCount"/>.</summary>
    public int MaxCandidates { get; init; } = 256;

    /// <summary>After how many nodes with records a lookup for records may end before it has converged. Default 3; at least 1.</summary>
    /// <remarks>What one holder keeps back or has missed, another has; the answers are merged.</remarks>
    public int SufficientHolders { get; init; } = 3;

    /// <summary>Most pages beyond the first that are asked for, from all holders together. Default 192.</summary>
    public int MaxPages { get; init; } = 192;

    /// <summary>Most publishers whose records are merged. Default 16,384; at least 1.</summary>
    public int MaxRecords { get; init; } = 16_384;

    /// <summary>Which addresses may be dialled. Default <see cref="AddressPolicy.Default"/>.</summary>
    public AddressPolicy Addresses { get; init; } = AddressPolicy.Default;
}
