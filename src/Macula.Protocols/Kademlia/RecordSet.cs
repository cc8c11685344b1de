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
    // Nothing is let go of before then; a record that was renewed meanwhile makes it too early, never too late.
    private Instant _firstEnd = Instant.Never;

    /// <summary>Makes an empty set.</summary>
    /// <param name="capacity">Most publishers, at least 1; a record of a further one is refused with <see cref="ErrorCode.LimitExceeded"/>.</param>
    public RecordSet(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
    }

    // Served until the deadline, and remembered until all that it replaced has ended too.
    private readonly record struct Entry(VerifiedRecord Record, Instant Deadline, Instant End);

    /// <summary>How many records are held, tombstones included, and those that are only remembered [REC-12].</summary>
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

        if (!_entries.TryGetValue(record.Publisher, out var held))
        {
            if (_entries.Count >= _capacity)
            {
                return new RecordOutcome.Refused(ErrorCode.LimitExceeded, $"{_capacity} publishers stand under this key, which is the most.");
            }

            Keep(record, deadline, deadline);
            return Kept;
        }

        if (held.End <= now)
        {
            Keep(record, deadline, deadline);
            return Kept;
        }

        if (record.Equals(held.Record) && held.Deadline > now)
        {
            return Same;
        }

        if (!record.Equals(held.Record) && !record.Supersedes(held.Record))
        {
            return new RecordOutcome.Superseded(held.Record);
        }

        // [REC-12]: what replaced another is remembered as long as that would have held, or another holder's copy of it would come to life
        // again. A tombstone is served as long, so that those who have that copy learn of it.
        var end = held.End > deadline ? held.End : deadline;
        Keep(record, record.IsTombstone ? end : deadline, end);
        return Kept;
    }

    /// <summary>What is held of a publisher, a tombstone included; false when nothing is, or its time is over.</summary>
    public bool TryGet(NodeId publisher, Instant now, [NotNullWhen(true)] out VerifiedRecord? record)
    {
        record = _entries.TryGetValue(publisher, out var entry) && entry.Deadline > now ? entry.Record : null;
        return record is not null;
    }

    /// <summary>When the record of a publisher is let go of; <see cref="Instant.Never"/> when none is held or remembered.</summary>
    public Instant EndOf(NodeId publisher) => _entries.TryGetValue(publisher, out var entry) ? entry.End : Instant.Never;

    /// <summary>Lets go of a publisher's record.</summary>
    public bool Remove(NodeId publisher) => _entries.Remove(publisher);

    /// <summary>Lets go of what is over. Costs a pass over the set when something may be, and nothing otherwise.</summary>
    /// <returns>How many records went.</returns>
    public int Expire(Instant now)
    {
        if (now < _firstEnd)
        {
            return 0;
        }

        var removed = 0;
        _firstEnd = Instant.Never;
        for (var index = _entries.Count - 1; index >= 0; index--)
        {
            var end = _entries.GetValueAtIndex(index).End;
            if (end <= now)
            {
                _entries.RemoveAt(index);
                removed++;
            }
            else
            {
                _firstEnd = Instant.Earlier(_firstEnd, end);
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

    private void Keep(VerifiedRecord record, Instant deadline, Instant end)
    {
        _entries[record.Publisher] = new Entry(record, deadline, end);
        _firstEnd = Instant.Earlier(_firstEnd, end);
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
