using Macula.Diagnostics;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.PubSub;

/// <summary>The lanes of this node's events to one subscriber, until no topic that is published here has it any more and its lanes have ended.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class SubscriberOutlet(RealmServices realm, SerialQueue queue, NodeId subscriber, SubscriberLink link, Action laneEnded)
{
    // [PUB-16]: nobody looks any more whether the subscriber still stands in the DHT, so one that is gone is dialled no longer than this.
    private static readonly TimeSpan LongestFinish = TimeSpan.FromSeconds(30);

    private readonly EventLane?[] _lanes = new EventLane?[EventLanes.MaxPerConnection];
    private QueueTimer? _finish;
    private Instant? _finishBy;
    private int _topics;

    /// <summary>True when no topic has the subscriber, and nothing is under way to it.</summary>
    public bool IsOver => _topics == 0 && !Array.Exists(_lanes, static lane => lane is { IsRunning: true });

    /// <summary>One topic more has the subscriber.</summary>
    public void Join()
    {
        _topics++;
        _finish?.Set(Instant.Never);
    }

    /// <summary>The subscriber has left a topic; after the last, what waits for it is dropped, unless a topic that it has not left gave way less than 30 s ago.</summary>
    public void Leave()
    {
        if (--_topics > 0)
        {
            return;
        }

        if (_finishBy is { } end && realm.Scheduler.Now < end)
        {
            // It is not known which of the events that wait are of that topic.
            FinishUntil(end);
        }
        else
        {
            // The lanes end in good order: one that is joined again at once goes on behind what was sent.
            ForEachLane(static lane => lane.Rest());
        }
    }

    /// <summary>A topic that has the subscriber has given way to another one here; after the last, what waits is still sent, for 30 s at most.</summary>
    public void LetGo()
    {
        var end = realm.Scheduler.Now + LongestFinish;
        _finishBy = end;
        if (--_topics == 0)
        {
            FinishUntil(end);
        }
    }

    /// <summary>Sends an event, behind those of its topic that were sent before.</summary>
    public void Send(TopicName topic, ReadOnlyMemory<byte> frame) =>
        (_lanes[EventLanes.LaneOf(topic)] ??= new EventLane(realm, subscriber, link, laneEnded)).Enqueue(topic, frame);

    /// <summary>The subscriber has published its record anew.</summary>
    public void Renew() => ForEachLane(static lane => lane.Renew());

    /// <summary>Sends what waits, and nothing more.</summary>
    public void Finish()
    {
        _topics = 0;
        _finish?.Stop();
        ForEachLane(static lane => lane.Finish());
    }

    /// <summary>Sends nothing more.</summary>
    public void Stop()
    {
        _finish?.Stop();
        ForEachLane(static lane => lane.Stop());
    }

    private void FinishUntil(Instant end)
    {
        ForEachLane(static lane => lane.Finish());
        _finish ??= new QueueTimer(realm, queue, GiveUp);
        _finish.Set(end);
    }

    private void GiveUp()
    {
        var events = 0L;
        var bytes = 0L;
        ForEachLane(lane =>
        {
            var dropped = lane.GiveUp();
            events += dropped.Events;
            bytes += dropped.Bytes;
        });
        if (events > 0 && realm.GivenUpSubscriberGate.TryPass(realm.Scheduler.Now, out var suppressed))
        {
            realm.Logger.SubscriberGivenUp(subscriber, events, bytes, suppressed);
        }
    }

    private void ForEachLane(Action<EventLane> action)
    {
        foreach (var lane in _lanes)
        {
            if (lane is not null)
            {
                action(lane);
            }
        }
    }
}
