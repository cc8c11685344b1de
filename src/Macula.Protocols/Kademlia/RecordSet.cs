using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>What became of a record that was offered: <see cref="Kept"/>, <see cref="Same"/>, <see cref="Superseded"/> or <see cref="Refused"/>.</summary>
public abstract record RecordOutcome
{
    private RecordOutcome()
    {
    }

    /// <summary>The record is held now.</summary>
    public sealed record Kept : RecordOutcome;

    /// <summary>The record was held already.</summary>
    public sealed record Same : RecordOutcome;

    /// <summary>A newer record of this publisher is held, and stays.</summary>
    /// <param name="Held">The newer record.</param>
    public sealed record Superseded(VerifiedRecord Held) : RecordOutcome;

    /// <summary>The record is not held.</summary>
    /// <param name="Code">Why.</param>
    /// <param name="Detail">The reason in words; it names the limit where one was reached.</param>
    public sealed record Refused(ErrorCode Code, string Detail) : RecordOutcome;
}

/// <summary>The records under one key: the newest of each publisher, as long as it holds [REC-10] to [REC-13].</summary>
/// <remarks>A core: performs no I/O and reads no clock. Holders, lookups and watchers merge what they get in one of these.</remarks>
public sealed class RecordSet
{
    /// <summary>How far ahead of the present a record's sequence and issue time may be: 5 minutes.</summary>
    public static TimeSpan MaxClockLead { get; } = TimeSpan.FromMinutes(5);

    private static readonly RecordOutcome Kept = new RecordOutcome.Kept();
    private static readonly RecordOutcome Same = new RecordOutcome.Same();

    // By publisher, so that pages have an order that does not change between them.
    private readonly SortedList<NodeId, Entry> _entries = [];
    private readonly int _capacity;

    /// <summary>Makes an empty set.</summary>
    /// <param name="capacity">Most publishers, at least 1; a record of a further one is refused with <see cref="ErrorCode.LimitExceeded"/>.</param>
    public RecordSet(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
    }

    private readonly record struct Entry(VerifiedRecord Record, Instant Deadline);

    /// <summary>How many records are held, tombstones included.</summary>
    public int Count => _entries.Count;

    /// <summary>Takes a record, if it is in time and newer than what is held of its publisher.</summary>
    /// <param name="record">A record under this set's key.</param>
    /// <param name="now">The present; the record ends by this clock from now on.</param>
    /// <param name="wallNow">The present of the wall clock, which decides over acceptance alone.</param>
    /// <remarks>Costs a binary search, and a move of the entries behind a new one.</remarks>
    public RecordOutcome Offer(VerifiedRecord record, Instant now, WallTime wallNow)
    {
        ArgumentNullException.ThrowIfNull(record);
        var deadline = now + Remaining(record, wallNow);
        if (FindFault(record, wallNow) is { } fault)
        {
            return fault;
        }

        if (!_entries.TryGetValue(record.Publisher, out var held) || held.Deadline <= now)
        {
            if (!_entries.ContainsKey(record.Publisher) && _entries.Count >= _capacity)
            {
                return new RecordOutcome.Refused(ErrorCode.LimitExceeded, $"{_capacity} publishers stand under this key, which is the most.");
            }

            _entries[record.Publisher] = new Entry(record, deadline);
            return Kept;
        }

        if (record.Equals(held.Record))
        {
            return Same;
        }

        if (!record.Supersedes(held.Record))
        {
            return new RecordOutcome.Superseded(held.Record);
        }

        // [REC-12]: a tombstone outlives what it took back, or another holder's copy of that would come to life again.
        var end = record.IsTombstone && held.Deadline > deadline ? held.Deadline : deadline;
        _entries[record.Publisher] = new Entry(record, end);
        return Kept;
    }

    /// <summary>What is held of a publisher, a tombstone included; false when nothing is, or its time is over.</summary>
    public bool TryGet(NodeId publisher, Instant now, [NotNullWhen(true)] out VerifiedRecord? record)
    {
        record = _entries.TryGetValue(publisher, out var entry) && entry.Deadline > now ? entry.Record : null;
        return record is not null;
    }

    /// <summary>When the record of a publisher ends; <see cref="Instant.Never"/> when none is held.</summary>
    public Instant DeadlineOf(NodeId publisher) => _entries.TryGetValue(publisher, out var entry) ? entry.Deadline : Instant.Never;

    /// <summary>Lets go of a publisher's record.</summary>
    public bool Remove(NodeId publisher) => _entries.Remove(publisher);

    /// <summary>Lets go of what is over. Costs a pass over the set.</summary>
    /// <returns>How many records went.</returns>
    public int Expire(Instant now)
    {
        var removed = 0;
        for (var index = _entries.Count - 1; index >= 0; index--)
        {
            if (_entries.GetValueAtIndex(index).Deadline <= now)
            {
                _entries.RemoveAt(index);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>The records that hold now, without tombstones, in the order of their publishers' ids.</summary>
    public IEnumerable<VerifiedRecord> Live(Instant now)
    {
        foreach (var entry in _entries.Values)
        {
            if (entry.Deadline > now && !entry.Record.IsTombstone)
            {
                yield return entry.Record;
            }
        }
    }

    /// <summary>The records that hold now, tombstones included, of publishers after the given one.</summary>
    /// <param name="after">A publisher, held or not; null begins with the first.</param>
    /// <param name="now">The present.</param>
    public IEnumerable<VerifiedRecord> After(NodeId? after, Instant now)
    {
        for (var index = after is { } publisher ? IndexAfter(publisher) : 0; index < _entries.Count; index++)
        {
            var entry = _entries.GetValueAtIndex(index);
            if (entry.Deadline > now)
            {
                yield return entry.Record;
            }
        }
    }

    private static TimeSpan Remaining(VerifiedRecord record, WallTime wallNow)
    {
        var untilExpiry = record.Body.Expires - wallNow;
        // A publisher whose clock is ahead gets the time that it asked for and no more.
        return untilExpiry < record.Body.TimeToLive ? untilExpiry : record.Body.TimeToLive;
    }

    private static RecordOutcome.Refused? FindFault(VerifiedRecord record, WallTime wallNow)
    {
        // [REC-11]: a sequence from the future would shut its publisher out until then.
        var latest = wallNow + MaxClockLead;
        return record.Body.Sequence > latest.UnixMilliseconds || record.Body.Issued > latest
            ? new RecordOutcome.Refused(ErrorCode.RecordFromFuture, "The record is from more than 5 minutes ahead of this node's clock.")
            : record.Body.Expires <= wallNow ? new RecordOutcome.Refused(ErrorCode.RecordExpired, "The record's time is over.")
            : null;
    }

    private int IndexAfter(NodeId publisher)
    {
        var (low, high) = (0, _entries.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_entries.GetKeyAtIndex(middle) > publisher)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }
}
