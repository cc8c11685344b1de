using Macula.Wire.Identifiers;

namespace Macula.Protocols.Establishment;

/// <summary>Which side dialled a connection.</summary>
public enum Dialled
{
    /// <summary>This node did.</summary>
    ByThisNode,

    /// <summary>The other node did.</summary>
    ByOtherNode,
}

/// <summary>What decides between two connections to the same node.</summary>
/// <param name="By">Which side dialled it.</param>
/// <param name="Instance">The number that the other node drew when it started.</param>
public readonly record struct ConnectionOrigin(Dialled By, ulong Instance);

/// <summary>Decides which of two connections between the same two nodes stays. Both sides come to the same answer by themselves.</summary>
public static class DuplicateConnection
{
    /// <summary>True when a connection that has just come up replaces the one that is there, which then drains.</summary>
    /// <param name="self">This node.</param>
    /// <param name="peer">The other node.</param>
    /// <param name="existing">The connection that is there.</param>
    /// <param name="arriving">The one that has come up.</param>
    public static bool ArrivingStays(NodeId self, NodeId peer, ConnectionOrigin existing, ConnectionOrigin arriving)
    {
        // [CON-6]: a node that was restarted has forgotten the connection that is there.
        if (existing.Instance != arriving.Instance)
        {
            return true;
        }

        // [CON-7]: who dials again may have lost the first one.
        if (existing.By == arriving.By)
        {
            return true;
        }

        // [CON-5]: the connection dialled by the lower NodeId stays.
        return (arriving.By == Dialled.ByThisNode) == (self < peer);
    }

    /// <summary>True when this side closes the connection that leaves, once it is drained; otherwise the other side alone does.</summary>
    /// <param name="existing">The connection that is there.</param>
    /// <param name="arriving">The one that has come up.</param>
    public static bool DrainsHere(ConnectionOrigin existing, ConnectionOrigin arriving) =>
        // [CON-7]: two connections of one dialler may come up in different orders at the two sides; if both closed what they take for
        // the older one, both connections would be gone.
        existing.Instance != arriving.Instance || existing.By != arriving.By || arriving.By == Dialled.ByThisNode;
}
