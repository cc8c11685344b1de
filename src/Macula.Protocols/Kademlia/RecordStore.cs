using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Macula.Wire.Errors;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>Limits of what a node holds for others, see [REC-14].</summary>
public sealed record RecordStoreOptions
{
    /// <summary>Most publishers under one key. Default 16,384; at least 1.</summary>
    public int MaxPerKey { get; init; } = 16_384;

    /// <summary>Most records of one publisher. Default 1,024; at least 1.</summary>
    public int MaxPerPublisher { get; init; } = 1024;

    /// <summary>Most records altogether. Default 65,536; at least 1. A record takes about 1 KiB.</summary>
    public int MaxRecords { get; init; } = 65_536;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPerKey, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPerPublisher, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRecords, 1);
    }
}

/// <summary>One page of the records under a key.</summary>
/// <param name="Records">The records in the order of their publishers' ids, tombstones included.</param>
/// <param name="Next">The last publisher of this page when more follow; null when none do.</param>
public sealed record RecordPage(ImmutableArray<VerifiedRecord> Records, NodeId? Next);

/// <summary>The records that a node holds: a set under each key, bounded, in time, never going back [REC-10] to [REC-14].</summary>
/// <remarks>A core: performs no I/O and reads no clock.</remarks>
public sealed class RecordStore
{
    // Nearer keys stay longer than farther ones, and under one key those that have more time left.
    private static readonly Comparer<(Distance Distance, Instant End, DhtKey Key, NodeId Publisher)> ByTenure = Comparer<(Distance Distance, Instant End, DhtKey Key, NodeId Publisher)>.Create(
        (left, right) => (left.Distance, right.End, left.Publisher).CompareTo((right.Distance, left.End, right.Publisher)));

    private readonly NodeId _self;
    private readonly RecordStoreOptions _options;
    private readonly Dictionary<DhtKey, RecordSet> _sets = [];
    private readonly SortedSet<(Distance Distance, DhtKey Key)> _keysByDistance = [];
    private readonly SortedSet<(Instant End, DhtKey Key, NodeId Publisher)> _ends = [];
    // The records of others; the last one gives way first.
    private readonly SortedSet<(Distance Distance, Instant End, DhtKey Key, NodeId Publisher)> _replaceable = new(ByTenure);
    private readonly Dictionary<NodeId, int> _countByPublisher = [];

    /// <summary>Makes an empty store.</summary>
    /// <param name="self">This node, to whose id the keys it should hold are near.</param>
    /// <param name="options">Limits.</param>
    public RecordStore(NodeId self, RecordStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _self = self;
        _options = options;
    }

    /// <summary>How many records are held, tombstones included, and those that are only remembered [REC-12].</summary>
    public int Count => _ends.Count;

    /// <summary>Takes a record to hold, if it is in time, newer than what is held, and within the limits.</summary>
    /// <param name="record">The record; whether the policy lets its publisher say this was asked before.</param>
    /// <param name="now">The present.</param>
    /// <param name="wallNow">The present of the wall clock.</param>
    /// <remarks>Costs what <see cref="RecordSet.Offer"/> does and a few searches in sorted sets, also when another record has to give way.</remarks>
    public RecordOutcome Store(VerifiedRecord record, Instant now, WallTime wallNow)
    {
        ArgumentNullException.ThrowIfNull(record);
        HandleTimeout(now);
        var set = _sets.GetValueOrDefault(record.Key);
        var isFurther = set is null || set.EndOf(record.Publisher) == Instant.Never;
        if (isFurther && FindFullLimit(record) is { } limit)
        {
            return new RecordOutcome.Refused(ErrorCode.LimitExceeded, limit);
        }

        var target = set ?? new RecordSet(_options.MaxPerKey);
        var before = target.EndOf(record.Publisher);
        var outcome = target.Offer(record, now, wallNow);
        if (outcome is RecordOutcome.Kept)
        {
            Index(record, target, before);
            if (Count > _options.MaxRecords)
            {
                // [REC-14]: never the one that came, which is this node's own or under a nearer key.
                var (_, end, key, publisher) = _replaceable.Max;
                Remove(end, key, publisher);
            }
        }

        return outcome;
    }

    /// <summary>A page of what is held under a key: at most what a RECORDS frame carries.</summary>
    /// <param name="key">Any key; an empty page when nothing is held under it.</param>
    /// <param name="after">The last publisher of the page before; null for the first page.</param>
    /// <param name="now">The present; nothing that is over by then is given.</param>
    public RecordPage Page(DhtKey key, NodeId? after, Instant now)
    {
        if (!_sets.TryGetValue(key, out var set))
        {
            return new RecordPage([], null);
        }

        var page = ImmutableArray.CreateBuilder<VerifiedRecord>();
        var bytes = 0;
        foreach (var record in set.After(after, now))
        {
            bytes += record.Record.Bytes.Length;
            if (page.Count == RecordsFrame.MaxRecords || bytes > RecordsFrame.MaxPageBytes)
            {
                return new RecordPage(page.ToImmutable(), page[^1].Publisher);
            }

            page.Add(record);
        }

        return new RecordPage(page.ToImmutable(), null);
    }

    /// <summary>The records under a key that hold now, without tombstones, in the order of their publishers' ids: what a node that looks up a key finds at itself.</summary>
    /// <param name="key">Any key; empty when nothing is held under it.</param>
    /// <param name="now">The present.</param>
    /// <remarks>Costs a pass over what is held under the key; later changes do not show in it.</remarks>
    public ImmutableArray<VerifiedRecord> Live(DhtKey key, Instant now) => _sets.TryGetValue(key, out var set) ? [.. set.Live(now)] : [];

    /// <summary>The keys under which something is held, nearest first.</summary>
    public IEnumerable<DhtKey> Keys => _keysByDistance.Select(entry => entry.Key);

    /// <summary>Time has passed: lets go of what is over.</summary>
    public void HandleTimeout(Instant now)
    {
        while (_ends.Count > 0 && _ends.Min is var (end, key, publisher) && end <= now)
        {
            Remove(end, key, publisher);
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/>; <see cref="Instant.Never"/> while nothing is held.</summary>
    public Instant PollTimeout() => _ends.Count == 0 ? Instant.Never : _ends.Min.End;

    // [REC-14]: a full store keeps what lies nearest to it, and what this node publishes, whose number is limited where it is published.
    private string? FindFullLimit(VerifiedRecord record)
    {
        var isOwn = record.Publisher == _self;
        return !isOwn && _countByPublisher.GetValueOrDefault(record.Publisher) >= _options.MaxPerPublisher
                ? $"The publisher has {_options.MaxPerPublisher} records here, which is the most (MaxPerPublisher)."
            : Count >= _options.MaxRecords && (_replaceable.Count == 0 || (!isOwn && _replaceable.Max.Distance <= record.Key.DistanceTo(_self)))
                ? $"The node holds {_options.MaxRecords} records, which is the most (MaxRecords), none of them under a farther key."
            : null;
    }

    private void Index(VerifiedRecord record, RecordSet set, Instant before)
    {
        var distance = record.Key.DistanceTo(_self);
        if (_sets.TryAdd(record.Key, set))
        {
            _keysByDistance.Add((distance, record.Key));
        }

        var end = set.EndOf(record.Publisher);
        if (!_ends.Remove((before, record.Key, record.Publisher)))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_countByPublisher, record.Publisher, out _)++;
        }

        _ends.Add((end, record.Key, record.Publisher));
        if (record.Publisher != _self)
        {
            _replaceable.Remove((distance, before, record.Key, record.Publisher));
            _replaceable.Add((distance, end, record.Key, record.Publisher));
        }
    }

    private void Remove(Instant end, DhtKey key, NodeId publisher)
    {
        _ends.Remove((end, key, publisher));
        _replaceable.Remove((key.DistanceTo(_self), end, key, publisher));
        var set = _sets[key];
        set.Remove(publisher);
        if (set.Count == 0)
        {
            _sets.Remove(key);
            _keysByDistance.Remove((key.DistanceTo(_self), key));
        }

        ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_countByPublisher, publisher, out _);
        if (--count == 0)
        {
            _countByPublisher.Remove(publisher);
        }
    }
}
