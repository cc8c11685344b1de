using System.Net;
using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>How one call is made.</summary>
public sealed record CallOptions
{
    /// <summary>Time for everything: finding, dialling, calling. Default 10 s; range 1 ms to 24 h ([RPC-12]).</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The address of the node to call; null takes a provider that the DHT names, or this node if it is one ([RPC-18]).</summary>
    public IPEndPoint? At { get; init; }

    /// <summary>The node that must answer, at <see cref="At"/> if that is given; null takes any member of the realm. This node's own id calls it in memory, wherever it listens.</summary>
    public NodeId? Node { get; init; }

    /// <summary>Whether running the handler twice does no harm. Default <see cref="CallRepetition.AtMostOnce"/>.</summary>
    public CallRepetition Repetition { get; init; } = CallRepetition.AtMostOnce;
}

/// <summary>How often a call's handler may run.</summary>
public enum CallRepetition
{
    /// <summary>At most once: the call is made again only if it provably did not start.</summary>
    AtMostOnce,

    /// <summary>As often as it takes: the procedure is idempotent.</summary>
    Idempotent,
}
