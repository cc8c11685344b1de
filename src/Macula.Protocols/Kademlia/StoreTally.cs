using System.Collections.Immutable;

namespace Macula.Protocols.Kademlia;

/// <summary>What a node said that was asked to hold a record.</summary>
public enum StoreAnswer
{
    /// <summary>It holds the record.</summary>
    Held,

    /// <summary>It will not hold it, or holds a newer one.</summary>
    Refused,

    /// <summary>It could not be reached, or did not answer in time.</summary>
    Silent,
}

/// <summary>What became of one attempt to have the nodes nearest to a key hold a record.</summary>
/// <param name="FromNearest">The answer of each node that was asked, nearest to the key first; empty when there was nobody to ask. What is beyond k does not count.</param>
/// <param name="Newest">The greatest sequence of this publisher's own record that one of them holds instead; -1 when none does.</param>
public sealed record StoreTally(ImmutableArray<StoreAnswer> FromNearest, long Newest)
{
    // Who watches a key does so at three holders (KAD-35), so that one of them at least is told whoever fails.
    private const int NearestCount = 3;

    /// <summary>Whether anybody holds the record.</summary>
    public bool IsHeld => FromNearest.Contains(StoreAnswer.Held);

    /// <summary>Whether nobody was silent: who does not hold the record has said that it will not, and will hardly say otherwise a moment later.</summary>
    public bool IsAnswered => !FromNearest.Contains(StoreAnswer.Silent);

    /// <summary>Whether the record is in force: on the three nearest, and on more than half of the k nearest, or of all where there are fewer [REC-19].</summary>
    public bool IsInForce
    {
        get
        {
            var asked = FromNearest.AsSpan()[..Math.Min(FromNearest.Length, KademliaConstants.BucketSize)];
            return !asked[..Math.Min(asked.Length, NearestCount)].ContainsAnyExcept(StoreAnswer.Held) && 2 * asked.Count(StoreAnswer.Held) > asked.Length;
        }
    }
}
