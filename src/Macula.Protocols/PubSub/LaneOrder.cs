using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.PubSub;

/// <summary>Sees, for one lane, that every event is the next one of the node at the other end (docs/protocol/10-pubsub.md [PUB-9] to [PUB-11]).</summary>
/// <remarks>A core: performs no I/O and reads no clock. Whether the policy lets that node publish under the topic is for its shell.</remarks>
public sealed class LaneOrder
{
    private readonly NodeId _peer;
    private readonly ulong _instance;
    private long _lastSequence;

    /// <summary>Begins a lane.</summary>
    /// <param name="peer">The node that the connection proved.</param>
    /// <param name="instance">The instance in that node's HELLO on this connection.</param>
    public LaneOrder(NodeId peer, ulong instance)
    {
        _peer = peer;
        _instance = instance;
    }

    /// <summary>Judges an event that arrived; one that is accepted is the one that the next has to follow.</summary>
    /// <returns>Null when it belongs here; otherwise the error with which the lane ends, and the connection does not.</returns>
    public ProtocolError? Handle(EventId id)
    {
        if (id.Publisher != _peer)
        {
            return new ProtocolError(ErrorCode.NotPermitted, "PUB-9", "an event is not of the node that sends it");
        }

        if (id.Epoch != _instance)
        {
            return new ProtocolError(ErrorCode.UnexpectedFrame, "PUB-10", "an event's epoch is not the instance of its publisher's hello");
        }

        if (id.Sequence <= _lastSequence)
        {
            return new ProtocolError(ErrorCode.UnexpectedFrame, "PUB-11", "an event does not come after the one before it on its lane");
        }

        _lastSequence = id.Sequence;
        return null;
    }
}
