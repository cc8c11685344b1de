using Macula.Connections;
using Macula.Identity.Policy;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.PubSub;

/// <summary>Takes the events that other nodes send on their lanes, and gives them to this node's subscriptions.</summary>
/// <remarks>Each lane is served on a queue of its own.</remarks>
internal sealed class EventServer(RealmServices realm, LocalSubscriptions subscriptions)
{
    /// <summary>Serves a lane to its end.</summary>
    /// <param name="frames">The lane, of which the first frame was read.</param>
    /// <param name="from">The connection on which it was opened.</param>
    /// <param name="first">The first frame: an EVENT.</param>
    /// <returns>Why the lane was ended here; null when its publisher ended it.</returns>
    /// <exception cref="ConnectionClosedException">The connection ended.</exception>
    /// <exception cref="StreamAbortedException">The publisher reset the lane.</exception>
    public async ValueTask<ProtocolError?> ServeAsync(FrameStream frames, MeshConnection from, Frame first)
    {
        // [PUB-6]
        if (!from.TryEnterLane())
        {
            return new ProtocolError(ErrorCode.LimitExceeded, "PUB-6", $"{EventLanes.MaxPerConnection} lanes are open on this connection");
        }

        try
        {
            var order = new LaneOrder(from.Peer.NodeId, from.Hello.Instance);
            var matches = new List<Subscription>();
            var frame = first;
            while (true)
            {
                if (Take(from, order, frame, matches) is { } fault)
                {
                    return fault;
                }

                var read = await frames.ReadAsync();
                if (read.Frame is not { } next)
                {
                    return read.Error;
                }

                if (FramePlaces.Judge(next.Type, FramePlace.EventLater, out var misplaced) == FrameVerdict.Refuse)
                {
                    return misplaced;
                }

                frame = next;
            }
        }
        finally
        {
            from.LaneEnded();
        }
    }

    private ProtocolError? Take(MeshConnection from, LaneOrder order, Frame frame, List<Subscription> matches)
    {
        if (!EventFrame.TryRead(frame.Body, out var arrived, out var malformed))
        {
            return malformed;
        }

        if (order.Handle(arrived.Id) is { } misplaced)
        {
            return misplaced;
        }

        // [PUB-9]
        if (!realm.Authorizer.Authorize(from.Peer, MeshAction.Publish, arrived.Topic.Value).IsAllowed)
        {
            return new ProtocolError(ErrorCode.NotPermitted, "PUB-9", "the policy does not let this node publish under the topic");
        }

        realm.Metrics.EventReceived();
        subscriptions.Deliver(new MeshEvent(arrived.Topic, arrived.Id, from.Peer, arrived.Payload, arrived.Published), matches);
        return null;
    }
}
