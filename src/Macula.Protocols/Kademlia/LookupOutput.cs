using System.Collections.Immutable;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Protocols.Kademlia;

/// <summary>What a lookup is after.</summary>
public enum LookupGoal
{
    /// <summary>The nodes nearest to the target: FIND_NODE.</summary>
    Nodes,

    /// <summary>The records under the target, a key: FIND_VALUE.</summary>
    Records,
}

/// <summary>What the shell must do next for a lookup.</summary>
public abstract record LookupOutput
{
    private LookupOutput()
    {
    }

    /// <summary>Ask a node, dialling it when there is no connection; report its answer or its failure.</summary>
    /// <param name="To">Whom.</param>
    /// <param name="Goal">FIND_NODE or FIND_VALUE.</param>
    /// <param name="Target">The point or key that is looked up.</param>
    /// <param name="After">For a later page of records, the publisher after which it begins; null otherwise.</param>
    public sealed record Query(Contact To, LookupGoal Goal, DhtKey Target, NodeId? After) : LookupOutput;

    /// <summary>The lookup is over.</summary>
    /// <param name="Result">What came of it.</param>
    public sealed record Finished(LookupResult Result) : LookupOutput;
}

/// <summary>Why a lookup ended.</summary>
public enum LookupEnd
{
    /// <summary>The nearest nodes that were seen have all answered, or failed.</summary>
    Converged,

    /// <summary>Enough holders gave their records.</summary>
    EnoughHolders,

    /// <summary>As many nodes were asked as may be.</summary>
    QueryLimit,

    /// <summary>It took as long as it may.</summary>
    TimeLimit,
}

/// <summary>What came of a lookup.</summary>
/// <param name="End">Why it ended.</param>
/// <param name="Closest">The nearest nodes that answered, nearest first, at most k, never this one; empty when nobody answered.</param>
/// <param name="Records">The records under the target that hold now, without tombstones, in the order of their publishers; empty for a lookup of nodes.</param>
/// <param name="Holders">The nodes that gave at least one valid record, in the order of their answers.</param>
/// <param name="Queries">How many nodes were asked.</param>
/// <param name="Rounds">The longest chain of who named whom, from a node that was known before to one that answered; 0 when nobody did.</param>
public sealed record LookupResult(
    LookupEnd End, ImmutableArray<Contact> Closest, ImmutableArray<VerifiedRecord> Records, ImmutableArray<NodeId> Holders, int Queries, int Rounds);
