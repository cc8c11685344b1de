using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.PubSub;

/// <summary>Takes the events that other nodes send on their lanes, and gives them to this node's subscriptions.</summary>
/// <remarks>Each lane is served on a queue of its own.</remarks>
internal sealed class EventServer(RealmServices realm, LocalSubscriptions subscriptions)
{
    // As many as send events here at a time, and more; of one that is forgotten, what comes late may come after what was sent later. About 200 bytes each.
    private const int MaxRemembered = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<(NodeId Publisher, ulong Instance), TakenSequences> _taken = [];
    private readonly Queue<(NodeId Publisher, ulong Instance)> _oldest = new();

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
            return Violated(from, new ProtocolError(ErrorCode.LimitExceeded, "PUB-6", $"{EventLanes.MaxPerConnection} lanes are open on this connection"));
        }

        try
        {
            var order = new LaneOrder(from.Peer.NodeId, from.Hello.Instance);
            var taken = TakenOf((from.Peer.NodeId, from.Hello.Instance));
            var matches = new List<Subscription>();
            var frame = first;
            while (true)
            {
                if (Take(from, order, taken, frame, matches) is { } fault)
                {
                    return fault;
                }

                var read = await frames.ReadAsync();
                if (read.Frame is not { } next)
                {
                    return read.Error is { } error ? Violated(from, error) : null;
                }

                if (FramePlaces.Judge(next.Type, FramePlace.EventLater, out var misplaced) == FrameVerdict.Refuse)
                {
                    return Violated(from, misplaced);
                }

                frame = next;
            }
        }
        finally
        {
            from.LaneEnded();
        }
    }

    private ProtocolError? Take(MeshConnection from, LaneOrder order, TakenSequences taken, Frame frame, List<Subscription> matches)
    {
        if (!EventFrame.TryRead(frame.Body, out var arrived, out var malformed))
        {
            return Violated(from, malformed);
        }

        if (order.Handle(arrived.Id) is { } misplaced)
        {
            return Violated(from, misplaced);
        }

        // [PUB-9]
        var decision = realm.Authorizer.Authorize(from.Peer, MeshAction.Publish, arrived.Topic.Value);
        if (!decision.IsAllowed)
        {
            realm.Metrics.EventRefused(decision.Code);
            if (realm.EventPermissionGate.TryPass(realm.Scheduler.Now, out var suppressed))
            {
                realm.Logger.EventNotPermitted(from.Peer.NodeId, arrived.Topic, decision.Sentence, suppressed);
            }

            return new ProtocolError(ErrorCode.NotPermitted, "PUB-9", ErrorCodes.Describe(ErrorCode.NotPermitted).Meaning);
        }

        realm.Metrics.EventReceived();
        lock (taken)
        {
            // [PUB-15]: a connection that its publisher has given up may bring events long after the one that replaced it.
            if (taken.TryTake(arrived))
            {
                subscriptions.Deliver(
                    new MeshEvent(arrived.Topic, arrived.Id, from.Peer, arrived.Payload, arrived.Published) { TraceParent = arrived.TraceParent }, matches);
            }
        }

        return null;
    }

    private TakenSequences TakenOf((NodeId Publisher, ulong Instance) life)
    {
        lock (_gate)
        {
            if (!_taken.TryGetValue(life, out var taken))
            {
                _taken.Add(life, taken = new TakenSequences());
                _oldest.Enqueue(life);
                if (_oldest.Count > MaxRemembered)
                {
                    _taken.Remove(_oldest.Dequeue());
                }
            }

            return taken;
        }
    }

    private ProtocolError Violated(MeshConnection by, ProtocolError error)
    {
        realm.Violated(by.Peer.NodeId, error);
        return error;
    }
}
