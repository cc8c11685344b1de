using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>Limits of the watches that a holder keeps for others.</summary>
public sealed record WatchTableOptions
{
    /// <summary>The longest lease that is given. Default 2 min; range 10 s, since watchers take less for a refusal ([KAD-36]), to <see cref="WatchFrame.MaxLease"/>.</summary>
    public TimeSpan MaxLease { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Most keys that one node watches here. Default 1,024; at least 1.</summary>
    public int MaxPerWatcher { get; init; } = 1024;

    /// <summary>Most nodes that watch one key here. Default 1,024; at least 1.</summary>
    public int MaxPerKey { get; init; } = 1024;

    /// <summary>Most watches altogether. Default 65,536; at least 1.</summary>
    public int MaxWatches { get; init; } = 65_536;

    /// <summary>How long a push may go unanswered before its watcher loses all its watches. Default 2 s; range 10 ms to 5 s.</summary>
    /// <remarks>A STORE of the key is answered only when the push is, or is given up ([REC-19]): one dead watcher must not take as long as the publisher waits for that, which is 10 s.</remarks>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLease, TimeSpan.FromSeconds(10));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxLease, WatchFrame.MaxLease);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPerWatcher, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPerKey, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxWatches, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Patience, TimeSpan.FromMilliseconds(10));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Patience, TimeSpan.FromSeconds(5));
    }
}

/// <summary>What a holder answers to a WATCH: <see cref="Given"/> or <see cref="Refused"/>.</summary>
public abstract record WatchGrant
{
    private WatchGrant()
    {
    }

    /// <summary>The watch is in force.</summary>
    /// <param name="Lease">For how long from now.</param>
    /// <param name="Continuity">Whether it was before.</param>
    public sealed record Given(TimeSpan Lease, WatchContinuity Continuity) : WatchGrant;

    /// <summary>A limit is reached: ERROR with the code LimitExceeded.</summary>
    /// <param name="Detail">Which limit.</param>
    public sealed record Refused(string Detail) : WatchGrant;
}

/// <summary>What the shell must do next for the watches of others.</summary>
public abstract record WatchTableOutput
{
    private WatchTableOutput()
    {
    }

    /// <summary>Send a PUSH over the connection that is there; report <see cref="WatchTable.HandleDone"/> or <see cref="WatchTable.HandleGone"/>.</summary>
    /// <param name="Watcher">To whom.</param>
    /// <param name="Key">The watched key.</param>
    /// <param name="Records">The newest record of each publisher that changed, at most a page.</param>
    public sealed record Push(NodeId Watcher, DhtKey Key, ImmutableArray<VerifiedRecord> Records) : WatchTableOutput;

    /// <summary>A watcher was silent and has lost its watches: count it.</summary>
    /// <param name="Watcher">Who.</param>
    public sealed record Lost(NodeId Watcher) : WatchTableOutput;
}

/// <summary>Who watches which key at this holder, and what they have not been told yet (docs/protocol/08-kademlia.md [KAD-30] to [KAD-34]).</summary>
/// <remarks>A core: performs no I/O and reads no clock. For each watch at most one push is under way; what changes meanwhile is told together in the next.</remarks>
public sealed class WatchTable
{
    private readonly WatchTableOptions _options;
    private readonly SortedDictionary<NodeId, Dictionary<DhtKey, Watch>> _byWatcher = [];
    private readonly Dictionary<DhtKey, SortedSet<NodeId>> _watchersOf = [];
    private readonly SortedSet<(Instant At, NodeId Watcher, DhtKey Key)> _deadlines = [];
    // How many watches have a record waiting or under way. Never iterated.
    private readonly Dictionary<VerifiedRecord, int> _untold = [];
    private readonly Queue<WatchTableOutput> _outputs = new();

    /// <summary>Makes an empty table.</summary>
    /// <param name="options">Limits.</param>
    public WatchTable(WatchTableOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>How many watches there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a watcher has yet to answer the push of this record, whether that is under way or waits; STORED is kept back until it is false [REC-19].</summary>
    /// <param name="record">A record that was handed to <see cref="HandleChanged"/>.</param>
    /// <returns>False also for a record that a newer one has replaced before it was pushed, and once those who had not answered have lost their watches.</returns>
    /// <remarks>Costs one look into a hash table, so it may be asked after every event.</remarks>
    public bool IsBehind(VerifiedRecord record) => _untold.ContainsKey(record);

    /// <summary>A node asks to watch a key, asks again, or ends its watch with a lease of zero.</summary>
    public WatchGrant HandleWatch(NodeId watcher, DhtKey key, TimeSpan lease, Instant now)
    {
        HandleTimeout(now);
        var given = lease < _options.MaxLease ? lease : _options.MaxLease;
        var watch = _byWatcher.GetValueOrDefault(watcher)?.GetValueOrDefault(key);
        if (lease <= TimeSpan.Zero)
        {
            Remove(watcher, key);
            return new WatchGrant.Given(TimeSpan.Zero, WatchContinuity.Begun);
        }

        if (watch is not null)
        {
            Schedule(watcher, key, watch, expires: now + given, watch.AnswerBy);
            return new WatchGrant.Given(given, WatchContinuity.Renewed);
        }

        if (FindFullLimit(watcher, key) is { } limit)
        {
            return new WatchGrant.Refused(limit);
        }

        Add(watcher, key, new Watch(now + given));
        return new WatchGrant.Given(given, WatchContinuity.Begun);
    }

    /// <summary>A record that this node holds has changed: those who watch its key will be told.</summary>
    public void HandleChanged(VerifiedRecord record, Instant now)
    {
        ArgumentNullException.ThrowIfNull(record);
        HandleTimeout(now);
        foreach (var watcher in _watchersOf.GetValueOrDefault(record.Key)?.ToList() ?? [])
        {
            var watch = _byWatcher[watcher][record.Key];
            if (watch.Pending.Remove(record.Publisher, out var replaced))
            {
                Tell(replaced);
            }

            watch.Pending.Add(record.Publisher, record);
            CollectionsMarshal.GetValueRefOrAddDefault(_untold, record, out _)++;
            if (watch.Pending.Count > RecordsFrame.MaxRecords)
            {
                // [KAD-33]: more than a page behind; it learns at its next renewal that there is a gap, and reads the key.
                Remove(watcher, record.Key);
            }
            else
            {
                PushNext(watcher, record.Key, watch, now);
            }
        }
    }

    /// <summary>A watcher has answered a push.</summary>
    public void HandleDone(NodeId watcher, DhtKey key, Instant now)
    {
        if (_byWatcher.GetValueOrDefault(watcher)?.GetValueOrDefault(key) is { } watch)
        {
            Schedule(watcher, key, watch, watch.Expires, answerBy: Instant.Never);
            TellAll(watch.UnderWay);
            watch.UnderWay = [];
            PushNext(watcher, key, watch, now);
        }
    }

    /// <summary>A watcher's connection has ended, or a push to it failed: its watches end.</summary>
    public void HandleGone(NodeId watcher)
    {
        foreach (var key in _byWatcher.GetValueOrDefault(watcher)?.Keys.ToList() ?? [])
        {
            Remove(watcher, key);
        }
    }

    /// <summary>Time has passed: see <see cref="PollTimeout"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        while (_deadlines.Count > 0 && _deadlines.Min is var (at, watcher, key) && at <= now)
        {
            if (_byWatcher[watcher][key].AnswerBy <= now)
            {
                // [KAD-32]: who does not answer one push does not get others; the connection may be half dead.
                HandleGone(watcher);
                _outputs.Enqueue(new WatchTableOutput.Lost(watcher));
            }
            else
            {
                Remove(watcher, key);
            }
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/>; <see cref="Instant.Never"/> while nobody watches.</summary>
    public Instant PollTimeout() => _deadlines.Count == 0 ? Instant.Never : _deadlines.Min.At;

    /// <summary>Takes the next thing to do; false when there is nothing until something happens.</summary>
    public bool TryPoll([NotNullWhen(true)] out WatchTableOutput? output) => _outputs.TryDequeue(out output);

    private string? FindFullLimit(NodeId watcher, DhtKey key) =>
        Count >= _options.MaxWatches ? $"The node keeps {_options.MaxWatches} watches, which is the most (MaxWatches)."
        : _byWatcher.GetValueOrDefault(watcher)?.Count >= _options.MaxPerWatcher ? $"The watcher has {_options.MaxPerWatcher} watches here, which is the most (MaxPerWatcher)."
        : _watchersOf.GetValueOrDefault(key)?.Count >= _options.MaxPerKey ? $"The key has {_options.MaxPerKey} watchers here, which is the most (MaxPerKey)."
        : null;

    private void PushNext(NodeId watcher, DhtKey key, Watch watch, Instant now)
    {
        if (watch.AnswerBy != Instant.Never || watch.Pending.Count == 0)
        {
            return;
        }

        var records = ImmutableArray.CreateBuilder<VerifiedRecord>();
        var bytes = 0;
        foreach (var record in watch.Pending.Values)
        {
            bytes += record.Record.Bytes.Length;
            if (bytes > RecordsFrame.MaxPageBytes)
            {
                break;
            }

            records.Add(record);
        }

        foreach (var record in records)
        {
            watch.Pending.Remove(record.Publisher);
        }

        watch.UnderWay = records.ToImmutable();
        Schedule(watcher, key, watch, watch.Expires, now + _options.Patience);
        _outputs.Enqueue(new WatchTableOutput.Push(watcher, key, watch.UnderWay));
    }

    private void Add(NodeId watcher, DhtKey key, Watch watch)
    {
        if (!_byWatcher.TryGetValue(watcher, out var watches))
        {
            _byWatcher.Add(watcher, watches = []);
        }

        if (!_watchersOf.TryGetValue(key, out var watchers))
        {
            _watchersOf.Add(key, watchers = []);
        }

        watches.Add(key, watch);
        _deadlines.Add((watch.NextAt, watcher, key));
        watchers.Add(watcher);
        Count++;
    }

    private void Schedule(NodeId watcher, DhtKey key, Watch watch, Instant expires, Instant answerBy)
    {
        _deadlines.Remove((watch.NextAt, watcher, key));
        watch.Expires = expires;
        watch.AnswerBy = answerBy;
        _deadlines.Add((watch.NextAt, watcher, key));
    }

    private void Remove(NodeId watcher, DhtKey key)
    {
        if (!_byWatcher.TryGetValue(watcher, out var watches) || !watches.Remove(key, out var watch))
        {
            return;
        }

        Count--;
        TellAll(watch.UnderWay);
        TellAll(watch.Pending.Values);
        _deadlines.Remove((watch.NextAt, watcher, key));
        if (watches.Count == 0)
        {
            _byWatcher.Remove(watcher);
        }

        var watchers = _watchersOf[key];
        watchers.Remove(watcher);
        if (watchers.Count == 0)
        {
            _watchersOf.Remove(key);
        }
    }

    private void TellAll(IEnumerable<VerifiedRecord> records)
    {
        foreach (var record in records)
        {
            Tell(record);
        }
    }

    private void Tell(VerifiedRecord record)
    {
        ref var watches = ref CollectionsMarshal.GetValueRefOrAddDefault(_untold, record, out _);
        if (--watches == 0)
        {
            _untold.Remove(record);
        }
    }

    private sealed class Watch(Instant expires)
    {
        public Instant Expires { get; set; } = expires;

        public Instant AnswerBy { get; set; } = Instant.Never;

        public Instant NextAt => Instant.Earlier(Expires, AnswerBy);

        public SortedDictionary<NodeId, VerifiedRecord> Pending { get; } = [];

        public ImmutableArray<VerifiedRecord> UnderWay { get; set; } = [];
    }
}
