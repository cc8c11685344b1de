using Macula.Wire.Frames;

namespace Macula.Protocols.PubSub;

/// <summary>The last event of one publisher's life that this node has taken on each lane, over all connections (docs/protocol/10-pubsub.md [PUB-15]).</summary>
/// <remarks>A core: performs no I/O and reads no clock. Lanes of two connections may be served at once; its shell sees that an event is taken and delivered before the next one is asked about.</remarks>
public sealed class TakenSequences
{
    private readonly long[] _last = new long[EventLanes.MaxPerConnection];

    /// <summary>Takes an event unless a later one of its lane was taken before.</summary>
    /// <returns>False for one that comes too late, over a connection that another has replaced: it is passed over.</returns>
    public bool TryTake(EventFrame arrived)
    {
        ArgumentNullException.ThrowIfNull(arrived);
        ref var last = ref _last[EventLanes.LaneOf(arrived.Topic)];
        if (arrived.Id.Sequence <= last)
        {
            return false;
        }

        last = arrived.Id.Sequence;
        return true;
    }
}
