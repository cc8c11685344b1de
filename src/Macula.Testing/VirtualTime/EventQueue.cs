namespace Macula.Testing.VirtualTime;

/// <summary>What will happen in a world, earliest first; of what happens at one moment, what was armed first.</summary>
internal sealed class EventQueue
{
    // Entries of events that were disarmed stay until their moment; beyond this number, and half of the queue, they are swept out.
    private const int StaleEntriesKept = 4096;

    private readonly PriorityQueue<VirtualEvent, Moment> _entries = new();
    private long _nextArming;
    private int _stale;

    public void Arm(VirtualEvent item, long atTicks)
    {
        Disarm(item);
        item.Arming = _nextArming++;
        _entries.Enqueue(item, new Moment(atTicks, item.Arming));
    }

    public void Disarm(VirtualEvent item)
    {
        if (!item.IsArmed)
        {
            return;
        }

        item.Arming = VirtualEvent.NotArmed;
        _stale++;
        if (_stale > StaleEntriesKept && _stale > _entries.Count / 2)
        {
            Sweep();
        }
    }

    /// <summary>The moment of the next event; false when nothing is armed.</summary>
    public bool TryPeek(out long atTicks)
    {
        while (_entries.TryPeek(out var item, out var moment))
        {
            if (item.Arming == moment.Arming)
            {
                atTicks = moment.AtTicks;
                return true;
            }

            _entries.Dequeue();
            _stale--;
        }

        atTicks = 0;
        return false;
    }

    /// <summary>Takes the event that <see cref="TryPeek"/> has just found.</summary>
    public VirtualEvent Dequeue()
    {
        var item = _entries.Dequeue();
        item.Arming = VirtualEvent.NotArmed;
        return item;
    }

    /// <summary>How many timers of a node are armed. Costs a pass over the queue.</summary>
    public int CountOf(VirtualScheduler owner) => _entries.UnorderedItems.Count(entry => entry.Element.Arming == entry.Priority.Arming && entry.Element.Owner == owner);

    private void Sweep()
    {
        var live = _entries.UnorderedItems.Where(entry => entry.Element.Arming == entry.Priority.Arming).ToArray();
        _entries.Clear();
        _entries.EnqueueRange(live);
        _stale = 0;
    }

    private readonly record struct Moment(long AtTicks, long Arming) : IComparable<Moment>
    {
        public int CompareTo(Moment other) => AtTicks != other.AtTicks ? AtTicks.CompareTo(other.AtTicks) : Arming.CompareTo(other.Arming);
    }
}
