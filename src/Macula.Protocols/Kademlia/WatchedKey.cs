using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>What the shell must do next for a key that this node watches.</summary>
public abstract record WatchedKeyOutput
{
    private WatchedKeyOutput()
    {
    }

    /// <summary>Look up the nodes nearest to the key; report <see cref="WatchedKey.HandleHolders"/>.</summary>
    /// <param name="Key">What is watched.</param>
    public sealed record FindHolders(DhtKey Key) : WatchedKeyOutput;

    /// <summary>Send a WATCH; report <see cref="WatchedKey.HandleWatching"/> or <see cref="WatchedKey.HandleFailed"/>.</summary>
    /// <param name="Holder">To whom.</param>
    /// <param name="Key">What is watched.</param>
    /// <param name="Lease">The lease to ask for.</param>
    public sealed record Watch(Contact Holder, DhtKey Key, TimeSpan Lease) : WatchedKeyOutput;

    /// <summary>Read all pages of the key from a holder; report <see cref="WatchedKey.HandleRecords"/>, then <see cref="WatchedKey.HandleRead"/>, or <see cref="WatchedKey.HandleFailed"/>.</summary>
    /// <param name="Holder">From whom.</param>
    /// <param name="Key">What is watched.</param>
    /// <param name="Number">Which reading it is, for the report.</param>
    public sealed record Read(Contact Holder, DhtKey Key, long Number) : WatchedKeyOutput;
}

/// <summary>Intervals of a watched key.</summary>
public sealed record WatchedKeyOptions
{
    /// <summary>At how many of the nearest holders the key is watched. Default 3; at least 1.</summary>
    public int Holders { get; init; } = 3;

    /// <summary>The lease that is asked for; it is renewed at half of what is given. Default 1 min.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The shortest lease that counts: a holder that gives less has refused. Default 10 s.</summary>
    /// <remarks>One that gives milliseconds would have this node ask without a pause.</remarks>
    public TimeSpan MinLease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often holders are looked up and read anew, whatever was pushed. Default 5 min.</summary>
    /// <remarks>Repairs what a lost push or a holder that lies by leaving out has made wrong, and finds holders that came nearer.</remarks>
    public TimeSpan ReassertInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long after a nearer node was heard of the holders are looked up anew. Default 2 s.</summary>
    public TimeSpan NewcomerDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest wait after a first lookup of which no holder gave a lease. Default 500 ms; it doubles with each, and is drawn from 0 to that.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait after any such lookup. Default 30 s.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After what time a request that nobody reported on counts as failed. Default 30 s.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most publishers under the key. Default 16,384; at least 1.</summary>
    public int MaxRecords { get; init; } = 16_384;
}

/// <summary>Keeps what this node knows of one key right, by watching it at the nearest holders (docs/protocol/08-kademlia.md [KAD-35] to [KAD-38]).</summary>
/// <remarks>A core: performs no I/O and reads no clock.</remarks>
public sealed class WatchedKey
{
    private readonly DhtKey _key;
    private readonly WatchedKeyOptions _options;
    private readonly RecordSet _records;
    private readonly List<WatchedHolder> _holders = [];
    private readonly Queue<Contact> _spares = new();
    private readonly Queue<WatchedKeyOutput> _outputs = new();
    private Instant _findAt;
    private bool _isFinding;
    // How many lookups there were since a holder last gave a lease, and how long to wait for the next once no holder is left.
    private int _failures;
    private TimeSpan _wait;
    private long _reads;

    /// <summary>Begins to watch; <see cref="TryPoll"/> asks for the holders.</summary>
    /// <param name="key">What to watch.</param>
    /// <param name="options">Intervals.</param>
    /// <param name="now">The present.</param>
    public WatchedKey(DhtKey key, WatchedKeyOptions options, Instant now)
    {
        ArgumentNullException.ThrowIfNull(options);
        _key = key;
        _options = options;
        _records = new RecordSet(options.MaxRecords);
        _findAt = now;
        _wait = options.FirstWait;
    }

    /// <summary>How many holders push, and have been read since they began to.</summary>
    public int HoldersInForce => _holders.Count(holder => holder.IsInForce);

    /// <summary>True while every holder at which the key is watched pushes and has been read, and there is one.</summary>
    public bool IsInForce => _holders.Count > 0 && _holders.TrueForAll(holder => holder.IsInForce);

    /// <summary>The records under the key that hold now, without tombstones, in the order of their publishers.</summary>
    public IEnumerable<VerifiedRecord> Live(Instant now) => _records.Live(now);

    /// <summary>This node has come into the network, or back: the nearest nodes may be others now, and are looked up at once.</summary>
    public void HandleJoined(Instant now)
    {
        // [KAD-37]: what was found while nobody could be asked says nothing about the holders.
        _failures = 0;
        _wait = _options.FirstWait;
        if (!_isFinding)
        {
            _findAt = now;
        }
    }

    /// <summary>The nodes nearest to the key were looked up.</summary>
    /// <param name="nearest">Those that answered, nearest first; empty when nobody did.</param>
    /// <param name="now">The present.</param>
    /// <param name="random">Where the wait before the next lookup comes from.</param>
    public void HandleHolders(IReadOnlyList<Contact> nearest, Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(nearest);
        ArgumentNullException.ThrowIfNull(random);
        if (!_isFinding)
        {
            return;
        }

        _isFinding = false;
        _spares.Clear();
        // [KAD-37]: a lookup that found nobody says something about the network just then, not about who pushes.
        var wanted = nearest.Count == 0 ? [.. _holders.Select(holder => holder.Contact.Node)] : nearest.Take(_options.Holders).Select(contact => contact.Node).ToHashSet();
        foreach (var far in _holders.Where(holder => !wanted.Contains(holder.Contact.Node)).ToList())
        {
            // The lease there ends by itself; a nearer holder has come.
            _holders.Remove(far);
        }

        foreach (var contact in nearest.Where(contact => !_holders.Exists(holder => holder.Contact.Node == contact.Node)))
        {
            _spares.Enqueue(contact);
        }

        foreach (var holder in _holders.Where(holder => holder.IsInForce))
        {
            // [KAD-38]: read although it pushes; a push may have been lost, or kept back.
            _outputs.Enqueue(new WatchedKeyOutput.Read(holder.Contact, _key, ++_reads));
        }

        // [KAD-37]: holders that are found and all refuse, as when the key has its most watchers, are no better than none.
        _wait = Backoff.Draw(++_failures, _options.FirstWait, _options.LongestWait, random);
        Fill(now);
        _findAt = now + (_holders.Count > 0 ? _options.ReassertInterval : _wait);
    }

    /// <summary>This node has come to know a node: when it is nearer to the key than one of the holders, the nearest are looked up again [KAD-39].</summary>
    public void HandleNewcomer(NodeId newcomer, Instant now)
    {
        if (Find(newcomer) is not null)
        {
            return;
        }

        var distance = _key.DistanceTo(newcomer);
        if (_holders.Count < _options.Holders || _holders.Exists(holder => distance < _key.DistanceTo(holder.Contact.Node)))
        {
            // Newcomers come in crowds when a realm starts; one lookup serves those of a moment.
            _findAt = _isFinding ? _findAt : Instant.Earlier(_findAt, now + _options.NewcomerDelay);
        }
    }

    /// <summary>A holder gave a lease.</summary>
    public void HandleWatching(NodeId holder, TimeSpan lease, WatchContinuity continuity, Instant now)
    {
        if (Find(holder) is not { } watched)
        {
            return;
        }

        if (lease < _options.MinLease)
        {
            HandleFailed(holder, now);
            return;
        }

        _failures = 0;
        _wait = _wait < _options.FirstWait ? _wait : _options.FirstWait;
        watched.Renew(now + ((lease < _options.Lease ? lease : _options.Lease) / 2));
        // [KAD-36]: what changed before the watch began, or in its gap, was not pushed; asking comes after, so that nothing falls between.
        if (continuity == WatchContinuity.Begun || !watched.IsRead)
        {
            watched.IsRead = false;
            watched.ReadBy = now + _options.RequestTimeout;
            watched.ReadNumber = ++_reads;
            _outputs.Enqueue(new WatchedKeyOutput.Read(watched.Contact, _key, watched.ReadNumber));
        }
    }

    /// <summary>A holder pushed records, or gave a page of them, and they have been verified.</summary>
    /// <param name="records">The records; those under other keys are passed over.</param>
    /// <param name="now">The present.</param>
    /// <param name="wallNow">The present of the wall clock.</param>
    /// <returns>Those that changed what is known; empty when none did.</returns>
    public ImmutableArray<VerifiedRecord> HandleRecords(IReadOnlyList<VerifiedRecord> records, Instant now, WallTime wallNow)
    {
        ArgumentNullException.ThrowIfNull(records);
        _records.Expire(now);
        return [.. records.Where(record => record.Key == _key && _records.Offer(record, now, wallNow) is RecordOutcome.Kept)];
    }

    /// <summary>All pages of a holder have been read.</summary>
    /// <param name="holder">Whose.</param>
    /// <param name="number">Which reading it was. One from before the watch began, or began anew, says nothing about what came between.</param>
    public void HandleRead(NodeId holder, long number)
    {
        if (Find(holder) is { } watched && number >= watched.ReadNumber)
        {
            watched.IsRead = true;
            watched.ReadBy = Instant.Never;
        }
    }

    /// <summary>A holder refused, did not answer, or its connection has ended: another takes its place.</summary>
    public void HandleFailed(NodeId holder, Instant now)
    {
        if (Find(holder) is { } watched)
        {
            _holders.Remove(watched);
            Fill(now);
        }
    }

    /// <summary>Time has passed: see <see cref="PollTimeout"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        foreach (var holder in _holders.ToList())
        {
            if (holder.ReadBy <= now || holder.WatchBy <= now)
            {
                HandleFailed(holder.Contact.Node, now);
            }
            else if (holder.RenewAt <= now)
            {
                AskToWatch(holder, now);
            }
        }

        if (_isFinding && _findAt <= now)
        {
            _isFinding = false;
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/> and <see cref="TryPoll"/>.</summary>
    public Instant PollTimeout() => _holders.Aggregate(_findAt, (earliest, holder) => Instant.Earlier(earliest, holder.NextAt));

    /// <summary>Takes the next thing to do; false when there is nothing until something happens.</summary>
    public bool TryPoll(Instant now, [NotNullWhen(true)] out WatchedKeyOutput? output)
    {
        if (!_isFinding && _findAt <= now)
        {
            _isFinding = true;
            _findAt = now + _options.RequestTimeout;
            _outputs.Enqueue(new WatchedKeyOutput.FindHolders(_key));
        }

        return _outputs.TryDequeue(out output);
    }

    private WatchedHolder? Find(NodeId node) => _holders.Find(holder => holder.Contact.Node == node);

    // [KAD-37]: the next nearest takes the place of one that failed; when none is left, they are looked up again.
    private void Fill(Instant now)
    {
        while (_holders.Count < _options.Holders && _spares.TryDequeue(out var spare))
        {
            var holder = new WatchedHolder(spare);
            _holders.Add(holder);
            AskToWatch(holder, now);
        }

        if (_holders.Count == 0 && !_isFinding)
        {
            _findAt = Instant.Earlier(_findAt, now + _wait);
        }
    }

    private void AskToWatch(WatchedHolder holder, Instant now)
    {
        holder.Ask(now + _options.RequestTimeout);
        _outputs.Enqueue(new WatchedKeyOutput.Watch(holder.Contact, _key, _options.Lease));
    }

    private sealed class WatchedHolder(Contact contact)
    {
        public Contact Contact { get; } = contact;

        public Instant RenewAt { get; private set; } = Instant.Never;

        public Instant WatchBy { get; private set; } = Instant.Never;

        public Instant ReadBy { get; set; } = Instant.Never;

        public bool IsRead { get; set; }

        /// <summary>The first reading that counts.</summary>
        public long ReadNumber { get; set; } = long.MaxValue;

        public bool IsInForce => IsRead && RenewAt != Instant.Never;

        public Instant NextAt => Instant.Earlier(RenewAt, Instant.Earlier(WatchBy, ReadBy));

        public void Ask(Instant deadline)
        {
            WatchBy = deadline;
            // While the renewal is under way the old lease, of which half is left, still holds.
            RenewAt = RenewAt == Instant.Never ? Instant.Never : deadline;
        }

        public void Renew(Instant at)
        {
            RenewAt = at;
            WatchBy = Instant.Never;
        }
    }
}
