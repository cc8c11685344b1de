using System.Collections.Immutable;

namespace Macula.Protocols.Kademlia;

/// <summary>What became of one attempt to have the nodes nearest to a key hold a record.</summary>
/// <param name="HeldByNearest">For each node that was asked, nearest to the key first, whether it holds the record now; empty when there was nobody to ask. What is beyond k does not count.</param>
/// <param name="Newest">The greatest sequence of this publisher's own record that one of them holds instead; -1 when none does.</param>
public sealed record StoreTally(ImmutableArray<bool> HeldByNearest, long Newest)
{
    // Who watches a key does so at three holders (KAD-35), so that one of them at least is told whoever fails.
    private const int NearestCount = 3;

    /// <summary>Whether anybody holds the record.</summary>
    public bool IsHeld => HeldByNearest.Contains(true);

    /// <summary>Whether the record is in force: on the three nearest, and on more than half of the k nearest, or of all where there are fewer [REC-19].</summary>
    public bool IsInForce
    {
        get
        {
            var asked = HeldByNearest.AsSpan()[..Math.Min(HeldByNearest.Length, KademliaConstants.BucketSize)];
            return !asked[..Math.Min(asked.Length, NearestCount)].Contains(false) && 2 * asked.Count(true) > asked.Length;
        }
    }
}
