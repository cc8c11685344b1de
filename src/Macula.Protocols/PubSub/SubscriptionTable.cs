using Macula.Wire.Identifiers;

namespace Macula.Protocols.PubSub;

/// <summary>One subscription in a <see cref="SubscriptionTable{T}"/>; none is given twice.</summary>
/// <param name="Number">Greater for each later subscription of the table, from 1.</param>
/// <param name="Place">Where the table keeps it.</param>
public readonly record struct SubscriptionId(long Number, int Place);

/// <summary>Finds the subscriptions whose pattern a topic matches.</summary>
/// <typeparam name="T">Who subscribes.</typeparam>
/// <remarks>
/// A trie over segments, walked along all branches that the topic can take at once, each node at most once for each segment: what it costs depends on the
/// patterns that match the topic's beginning, not on the others, and several '**' multiply nothing. A core: performs no I/O and reads no clock.
/// </remarks>
public sealed class SubscriptionTable<T>
{
    /// <summary>Default of the most subscriptions: 100,000.</summary>
    public const int DefaultMaxSubscriptions = 100_000;

    private readonly int _maxSubscriptions;
    private readonly PatternTrie _trie = new();
    private readonly Slab<Entry> _entries = new();
    private readonly List<int> _foundNodes = [];
    private readonly List<(long Number, int Place)> _found = [];
    private long _lastNumber;

    /// <summary>Makes an empty table.</summary>
    /// <param name="maxSubscriptions">Most subscriptions, at least 1; further ones are not taken.</param>
    public SubscriptionTable(int maxSubscriptions = DefaultMaxSubscriptions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSubscriptions, 1);
        _maxSubscriptions = maxSubscriptions;
    }

    /// <summary>How many subscriptions there are.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a subscription; the same pattern and subscriber may stand several times.</summary>
    /// <param name="pattern">What is asked for.</param>
    /// <param name="subscriber">Who asks.</param>
    /// <param name="id">What <see cref="Remove"/> takes; default when the answer is false.</param>
    /// <returns>False when the table is full.</returns>
    public bool TryAdd(TopicPattern pattern, T subscriber, out SubscriptionId id)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        id = default;
        if (Count == _maxSubscriptions)
        {
            return false;
        }

        var node = _trie.Add(pattern);
        var first = _trie.EntryOf(node);
        var place = _entries.Add(new Entry { Subscriber = subscriber, Number = ++_lastNumber, Node = node, Previous = PatternTrie.None, Next = first });
        if (first != PatternTrie.None)
        {
            _entries[first].Previous = place;
        }

        _trie.EntryOf(node) = place;
        Count++;
        id = new SubscriptionId(_lastNumber, place);
        return true;
    }

    /// <summary>Takes a subscription out.</summary>
    /// <param name="id">What <see cref="TryAdd"/> gave.</param>
    /// <returns>False when it was taken out before.</returns>
    public bool Remove(SubscriptionId id)
    {
        if (!IsHeld(id))
        {
            return false;
        }

        var entry = _entries[id.Place];
        if (entry.Previous == PatternTrie.None)
        {
            _trie.EntryOf(entry.Node) = entry.Next;
        }
        else
        {
            _entries[entry.Previous].Next = entry.Next;
        }

        if (entry.Next != PatternTrie.None)
        {
            _entries[entry.Next].Previous = entry.Previous;
        }

        _entries.Remove(id.Place);
        _trie.Prune(entry.Node);
        Count--;
        return true;
    }

    /// <summary>Appends the subscribers of a topic to a list, once for each subscription, the oldest subscription first.</summary>
    public void Match(TopicName topic, List<T> subscribers)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentNullException.ThrowIfNull(subscribers);
        _foundNodes.Clear();
        _found.Clear();
        _trie.Match(topic, _foundNodes);
        foreach (var node in _foundNodes)
        {
            for (var place = _trie.EntryOf(node); place != PatternTrie.None; place = _entries[place].Next)
            {
                _found.Add((_entries[place].Number, place));
            }
        }

        _found.Sort(static (left, right) => left.Number.CompareTo(right.Number));
        foreach (var (_, place) in _found)
        {
            subscribers.Add(_entries[place].Subscriber!);
        }
    }

    // Numbers are never given twice, so a place that was given to another subscription shows; a free one has number 0.
    private bool IsHeld(SubscriptionId id) => id.Number > 0 && id.Number <= _lastNumber && _entries.Holds(id.Place) && _entries[id.Place].Number == id.Number;

    private struct Entry
    {
        public T? Subscriber;
        public long Number;
        public int Node;
        public int Previous;
        public int Next;
    }
}
