using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Protocols.PubSub;

/// <summary>What a node has to publish anew, since its subscriptions under one literal prefix have changed.</summary>
/// <param name="Prefix">The literal prefix.</param>
/// <param name="Content">What its record has to say; null when the record is to be withdrawn.</param>
public readonly record struct PrefixChange(TopicPrefix Prefix, RecordContent.Subscriber? Content);

/// <summary>The patterns that this node subscribes to, as its records in the DHT name them: one record for each literal prefix (docs/protocol/10-pubsub.md [PUB-3]).</summary>
/// <remarks>A core: performs no I/O and reads no clock.</remarks>
public sealed class SubscribedPatterns
{
    /// <summary>Default of the most literal prefixes: 1,024, the most records that a holder keeps of one publisher [REC-14].</summary>
    public const int DefaultMaxPrefixes = 1024;

    private readonly int _maxPrefixes;
    private readonly Dictionary<TopicPrefix, Prefixed> _prefixes = [];
    private readonly Queue<TopicPrefix> _changed = new();

    /// <summary>Begins without patterns.</summary>
    /// <param name="maxPrefixes">Most literal prefixes, at least 1.</param>
    public SubscribedPatterns(int maxPrefixes = DefaultMaxPrefixes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPrefixes, 1);
        _maxPrefixes = maxPrefixes;
    }

    /// <summary>Takes one more use of a pattern.</summary>
    /// <returns>
    /// False, and nothing has changed, when the prefix's record has no room for the pattern (<see cref="RecordContent.Subscriber.MaxPatterns"/>,
    /// <see cref="RecordContent.Subscriber.MaxPatternBytes"/>), or there are too many prefixes.
    /// </returns>
    public bool TryAdd(TopicPattern pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        var prefix = pattern.LiteralPrefix;
        if (!_prefixes.TryGetValue(prefix, out var prefixed))
        {
            if (_prefixes.Count == _maxPrefixes || !RecordContent.Subscriber.TryCreate([pattern], out var first))
            {
                return false;
            }

            _prefixes.Add(prefix, prefixed = new Prefixed());
            prefixed.Current = first;
            prefixed.Uses.Add(pattern, 1);
            Mark(prefix, prefixed);
            return true;
        }

        if (prefixed.Uses.TryGetValue(pattern, out var uses))
        {
            prefixed.Uses[pattern] = uses + 1;
            return true;
        }

        if (!RecordContent.Subscriber.TryCreate(prefixed.Uses.Keys.Append(pattern), out var content))
        {
            return false;
        }

        prefixed.Uses.Add(pattern, 1);
        prefixed.Current = content;
        Mark(prefix, prefixed);
        return true;
    }

    /// <summary>Ends one use of a pattern.</summary>
    /// <returns>False when it has none.</returns>
    public bool Remove(TopicPattern pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        var prefix = pattern.LiteralPrefix;
        if (!_prefixes.TryGetValue(prefix, out var prefixed) || !prefixed.Uses.TryGetValue(pattern, out var uses))
        {
            return false;
        }

        if (uses > 1)
        {
            prefixed.Uses[pattern] = uses - 1;
            return true;
        }

        prefixed.Uses.Remove(pattern);
        prefixed.Current = RecordContent.Subscriber.TryCreate(prefixed.Uses.Keys, out var content) ? content : null;
        Mark(prefix, prefixed);
        return true;
    }

    /// <summary>Takes the next change, in the order in which prefixes were first touched; false when all are known.</summary>
    /// <remarks>What changed several times since it was last told is told once, and what changed back not at all.</remarks>
    public bool TryPollChange(out PrefixChange change)
    {
        while (_changed.TryDequeue(out var prefix))
        {
            var prefixed = _prefixes[prefix];
            var (current, told) = (prefixed.Current, prefixed.Told);
            prefixed.IsMarked = false;
            prefixed.Told = current;
            if (current is null)
            {
                _prefixes.Remove(prefix);
            }

            if (!Equals(current, told))
            {
                change = new PrefixChange(prefix, current);
                return true;
            }
        }

        change = default;
        return false;
    }

    private void Mark(TopicPrefix prefix, Prefixed prefixed)
    {
        if (!prefixed.IsMarked)
        {
            prefixed.IsMarked = true;
            _changed.Enqueue(prefix);
        }
    }

    private sealed class Prefixed
    {
        // Sorted, so that what is made of it is made the same in every run.
        public SortedList<TopicPattern, int> Uses { get; } = [];

        public RecordContent.Subscriber? Current { get; set; }

        public RecordContent.Subscriber? Told { get; set; }

        public bool IsMarked { get; set; }
    }
}
