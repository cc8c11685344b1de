using System.Diagnostics.CodeAnalysis;
using Macula.Wire;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.PubSub;

/// <summary>What became of an event that was to be queued.</summary>
public enum EnqueueOutcome
{
    /// <summary>It is queued, and nothing was lost.</summary>
    Queued,

    /// <summary>It is queued, and older events were dropped for it.</summary>
    QueuedDroppingOlder,

    /// <summary>It was dropped itself.</summary>
    Dropped,

    /// <summary>The queue overflowed under <see cref="OverflowPolicy.Disconnect"/>: it takes nothing more, what it holds may still be taken out.</summary>
    Closed,
}

/// <summary>A time during which a reader was too slow: from the first event that was dropped until the queue had been emptied.</summary>
/// <param name="Events">How many events were dropped.</param>
/// <param name="Bytes">How many bytes they had.</param>
public readonly record struct DropEpisode(long Events, long Bytes);

/// <summary>Events that wait for one reader, bounded in number and bytes (docs/protocol/10-pubsub.md [PUB-14]).</summary>
/// <typeparam name="T">What is queued.</typeparam>
/// <remarks>A core: performs no I/O and reads no clock. Every operation costs the same however many events wait, but for those that it drops. Memory grows with the events that wait.</remarks>
public sealed class EventQueue<T>
{
    private const int None = -1;

    private readonly int _maxEvents;
    private readonly long _maxBytes;
    private readonly OverflowPolicy _policy;
    private readonly Dictionary<TopicName, int>? _latest;
    private readonly Slab<Slot> _slots = new();
    private int _head = None;
    private int _tail = None;
    private DropEpisode? _finished;

    /// <summary>Makes an empty queue.</summary>
    /// <param name="maxEvents">Most events that wait; at least 1.</param>
    /// <param name="maxBytes">Most bytes that wait; at least 1. An event that has more is dropped, whatever the policy, but for <see cref="OverflowPolicy.Disconnect"/>.</param>
    /// <param name="policy">What happens when the queue is full.</param>
    public EventQueue(int maxEvents, long maxBytes, OverflowPolicy policy)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxEvents, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        _maxEvents = maxEvents;
        _maxBytes = maxBytes;
        _policy = policy;
        _latest = policy == OverflowPolicy.LatestOnly ? [] : null;
    }

    /// <summary>How many events wait.</summary>
    public int Count { get; private set; }

    /// <summary>How many bytes wait.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many events were dropped, ever; those that come to a closed queue are not counted.</summary>
    public long DroppedEvents { get; private set; }

    /// <summary>True once the queue overflowed under <see cref="OverflowPolicy.Disconnect"/>.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>What has been dropped in the episode that is not over; null when the reader keeps up.</summary>
    public DropEpisode? CurrentEpisode { get; private set; }

    /// <summary>Queues an event, as far as the policy allows.</summary>
    /// <param name="item">The event.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="bytes">Its size; at least 0.</param>
    public EnqueueOutcome Enqueue(T item, TopicName topic, int bytes)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (IsClosed)
        {
            return EnqueueOutcome.Closed;
        }

        if (_policy == OverflowPolicy.Disconnect && IsFullFor(bytes))
        {
            IsClosed = true;
            CountDrop(bytes);
            return EnqueueOutcome.Closed;
        }

        var droppedBefore = DroppedEvents;

        if (bytes > _maxBytes || (_policy == OverflowPolicy.DropNewest && IsFullFor(bytes)))
        {
            CountDrop(bytes);
            return EnqueueOutcome.Dropped;
        }

        if (_latest is not null && _latest.TryGetValue(topic, out var older))
        {
            // The newer event goes to the end and does not take the older one's place: sequences rise along a lane.
            Drop(older);
        }

        while (IsFullFor(bytes))
        {
            Drop(_head);
        }

        Append(item, topic, bytes);
        return DroppedEvents == droppedBefore ? EnqueueOutcome.Queued : EnqueueOutcome.QueuedDroppingOlder;
    }

    /// <summary>The event that has waited longest, which goes on waiting; false when none waits.</summary>
    public bool TryPeek([MaybeNullWhen(false)] out T item)
    {
        item = _head == None ? default : _slots[_head].Item;
        return _head != None;
    }

    /// <summary>Takes the event that has waited longest; false when none waits.</summary>
    public bool TryDequeue([MaybeNullWhen(false)] out T item)
    {
        if (_head == None)
        {
            item = default;
            return false;
        }

        item = _slots[_head].Item!;
        Remove(_head);
        if (Count == 0)
        {
            EndEpisode();
        }

        return true;
    }

    /// <summary>Says once for each episode that is over what was dropped in it; false when there is nothing to say.</summary>
    /// <remarks>Episodes that end before anybody asks are told as one.</remarks>
    public bool TryPollEpisode(out DropEpisode episode)
    {
        episode = _finished.GetValueOrDefault();
        var found = _finished is not null;
        _finished = null;
        return found;
    }

    private bool IsFullFor(int bytes) => Count == _maxEvents || Bytes + bytes > _maxBytes;

    private void Append(T item, TopicName topic, int bytes)
    {
        var slot = _slots.Add(new Slot { Item = item, Topic = topic, Bytes = bytes, Previous = _tail, Next = None });
        if (_tail == None)
        {
            _head = slot;
        }
        else
        {
            _slots[_tail].Next = slot;
        }

        _tail = slot;
        Count++;
        Bytes += bytes;
        if (_latest is not null)
        {
            _latest[topic] = slot;
        }
    }

    private void Drop(int slot)
    {
        CountDrop(_slots[slot].Bytes);
        Remove(slot);
    }

    private void CountDrop(int bytes)
    {
        var episode = CurrentEpisode.GetValueOrDefault();
        CurrentEpisode = new DropEpisode(episode.Events + 1, episode.Bytes + bytes);
        DroppedEvents++;
        if (Count == 0)
        {
            // Nothing waits that could be emptied: the one event that no queue of this size holds is an episode of its own.
            EndEpisode();
        }
    }

    private void EndEpisode()
    {
        if (CurrentEpisode is { } ended)
        {
            var told = _finished.GetValueOrDefault();
            _finished = new DropEpisode(told.Events + ended.Events, told.Bytes + ended.Bytes);
            CurrentEpisode = null;
        }
    }

    private void Remove(int slot)
    {
        var removed = _slots[slot];
        if (removed.Previous == None)
        {
            _head = removed.Next;
        }
        else
        {
            _slots[removed.Previous].Next = removed.Next;
        }

        if (removed.Next == None)
        {
            _tail = removed.Previous;
        }
        else
        {
            _slots[removed.Next].Previous = removed.Previous;
        }

        Invariant.Hold(removed.Topic is not null, "An event that waits has a topic.");
        _latest?.Remove(removed.Topic);
        Count--;
        Bytes -= removed.Bytes;
        _slots.Remove(slot);
    }

    private struct Slot
    {
        public T? Item;
        public TopicName? Topic;
        public int Bytes;
        public int Previous;
        public int Next;
    }
}
