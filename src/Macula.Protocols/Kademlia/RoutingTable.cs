using System.Diagnostics.CodeAnalysis;
using Macula.Wire;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>What the shell must do next for a routing table.</summary>
public abstract record RoutingOutput
{
    private RoutingOutput()
    {
    }

    /// <summary>Ping a node at its addresses, dialling it; report <see cref="RoutingTable.HandleAlive"/> or <see cref="RoutingTable.HandleFailed"/>.</summary>
    /// <param name="Contact">Whom.</param>
    public sealed record Ping(Contact Contact) : RoutingOutput;

    /// <summary>Look up the nodes near a random point, so that a bucket stays filled.</summary>
    /// <param name="Target">The point.</param>
    public sealed record Refresh(DhtKey Target) : RoutingOutput;
}

/// <summary>The nodes that a node knows: many near itself, few far away (docs/protocol/08-kademlia.md [KAD-2] to [KAD-9]).</summary>
/// <remarks>
/// A core: performs no I/O and reads no clock. What others name is only a candidate; a node enters when it has answered at its addresses.
/// Kademlia §2.4 splits buckets on demand; this keeps 160 fixed ones, made when first used, and has no split to get wrong.
/// </remarks>
public sealed class RoutingTable
{
    private readonly NodeId _self;
    private readonly RoutingTableOptions _options;
    private readonly Bucket?[] _buckets = new Bucket?[NodeId.BitCount];
    private readonly SortedDictionary<NodeId, (Instant Deadline, Contact Contact)> _pings = [];
    private readonly Queue<RoutingOutput> _outputs = new();
    // Whether somebody waits although there is a place, since as many pings were under way as may be.
    private bool _isShortOfPings;

    /// <summary>Makes an empty table.</summary>
    /// <param name="self">This node, which never enters.</param>
    /// <param name="options">Limits.</param>
    public RoutingTable(NodeId self, RoutingTableOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _self = self;
        _options = options;
    }

    /// <summary>How many nodes are in the table.</summary>
    public int Count { get; private set; }

    /// <summary>The nodes in the table, farthest bucket first, within each the one that was silent longest first.</summary>
    public IEnumerable<Contact> Contacts => _buckets.Where(bucket => bucket is not null).SelectMany(bucket => bucket!.Entries.Select(entry => entry.Contact));

    /// <summary>The node as it stands in the table; null when it does not.</summary>
    public Contact? Find(NodeId node) => BucketOf(node) is { } index ? _buckets[index]?.Find(node)?.Contact : null;

    /// <summary>The bucket to which a node belongs: the length of the prefix that it shares with this node, 0 to 159; null for this node.</summary>
    public int? BucketOf(NodeId node) => node == _self ? null : _self.DistanceTo(node).SharedPrefixBits;

    /// <summary>Somebody named a node, or a node in server mode sent a request: it may enter once it has answered at its addresses [KAD-3].</summary>
    public void HandleHeard(Contact contact, Instant now)
    {
        ArgumentNullException.ThrowIfNull(contact);
        if (contact.Node == _self || _options.Addresses.Filter(contact) is not { } dialable || _pings.ContainsKey(contact.Node))
        {
            return;
        }

        var bucket = BucketFor(contact.Node, now);
        if (bucket.Find(contact.Node) is not null)
        {
            return;
        }

        if (bucket.IsFull || !TryPing(dialable, now))
        {
            bucket.AddReplacement(dialable);
            _isShortOfPings |= !bucket.IsFull;
            CheckOldest(bucket, now);
        }
    }

    /// <summary>A node in server mode answered at these addresses, and its certificate was accepted.</summary>
    public void HandleAlive(Contact contact, Instant now)
    {
        ArgumentNullException.ThrowIfNull(contact);
        _pings.Remove(contact.Node);
        if (contact.Node != _self && _options.Addresses.Filter(contact) is { } dialable)
        {
            Enter(dialable, now);
        }

        PromoteWaiting(now);
    }

    /// <summary>Something came from a node over its connection; one that is not in the table is passed over.</summary>
    public void HandleSeen(NodeId node, Instant now)
    {
        if (BucketOf(node) is { } index && _buckets[index] is { } bucket && bucket.Find(node) is { } entry)
        {
            Refresh(bucket, entry, now);
        }
    }

    /// <summary>A node did not answer, or could not be reached.</summary>
    /// <param name="tried">Where it was tried. Others than the addresses of the table prove nothing about the node that is in it.</param>
    /// <param name="now">The present.</param>
    public void HandleFailed(Contact tried, Instant now)
    {
        ArgumentNullException.ThrowIfNull(tried);
        var node = tried.Node;
        _pings.Remove(node);
        if (BucketOf(node) is { } index && _buckets[index] is { } bucket)
        {
            FailIn(bucket, tried, now);
        }

        PromoteWaiting(now);
    }

    /// <summary>A node is in client mode from now on, or no longer a member: it leaves at once.</summary>
    public void Remove(NodeId node, Instant now)
    {
        _pings.Remove(node);
        if (BucketOf(node) is { } index && _buckets[index] is { } bucket)
        {
            bucket.RemoveReplacement(node);
            if (bucket.Find(node) is { } entry)
            {
                bucket.Remove(entry);
                Count--;
            }

            Promote(bucket, now);
        }

        PromoteWaiting(now);
    }

    /// <summary>True when the bucket in whose range a point lies has room for others; for this node's own place, always.</summary>
    public bool HasRoomNear(DhtKey point) =>
        point.DistanceTo(_self).SharedPrefixBits is var index && (index >= _buckets.Length || _buckets[index] is not { IsFull: true });

    /// <summary>A lookup for this target was begun, which refreshes the bucket of its range.</summary>
    public void HandleLookup(DhtKey target, Instant now)
    {
        var index = target.DistanceTo(_self).SharedPrefixBits;
        if (index < _buckets.Length && _buckets[index] is { } bucket)
        {
            bucket.LookedUpAt = now;
        }
    }

    /// <summary>Asks for a refresh of every bucket from the farthest to the nearest that is not empty, as after joining, but for those of the 20 nearest nodes, whom that has looked up.</summary>
    /// <param name="now">The present.</param>
    /// <param name="random">Where the points come from.</param>
    public void RefreshAll(Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var left = Count;
        var mayLeaveOut = left >= KademliaConstants.BucketSize;
        for (var index = 0; index <= DeepestIndex() && !(mayLeaveOut && left < KademliaConstants.BucketSize); index++)
        {
            left -= _buckets[index]?.Entries.Count ?? 0;
            RequestRefresh(index, now, random);
        }
    }

    /// <summary>The nodes of the table nearest to a target, nearest first.</summary>
    /// <param name="target">Any point; also this node's own place.</param>
    /// <param name="count">Most nodes, at least 0.</param>
    /// <remarks>Costs a sort of the buckets that it needs, mostly two or three.</remarks>
    public IReadOnlyList<Contact> Closest(DhtKey target, int count)
    {
        var found = new List<(Distance Distance, Contact Contact)>();
        var home = Math.Min(target.DistanceTo(_self).SharedPrefixBits, _buckets.Length - 1);
        Add(home);
        // Nodes of all deeper buckets differ from the target in the same bit: farther than those of the home bucket, nearer than those of
        // the buckets before it, and in no order among themselves, so they come together or not at all.
        for (var index = home + 1; index < _buckets.Length && (found.Count < count || index > home + 1); index++)
        {
            Add(index);
        }

        for (var index = home - 1; found.Count < count && index >= 0; index--)
        {
            Add(index);
        }

        found.Sort((left, right) => left.Distance.CompareTo(right.Distance));
        return [.. found.Take(count).Select(entry => entry.Contact)];

        void Add(int index)
        {
            foreach (var entry in _buckets[index]?.Entries ?? [])
            {
                found.Add((target.DistanceTo(entry.Contact.Node), entry.Contact));
            }
        }
    }

    /// <summary>Time has passed: see <see cref="PollTimeout"/>.</summary>
    /// <param name="now">The present.</param>
    /// <param name="random">Where the points of refreshes come from.</param>
    public void HandleTimeout(Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        foreach (var (deadline, contact) in _pings.Values.ToList())
        {
            if (deadline <= now)
            {
                HandleFailed(contact, now);
            }
        }

        for (var index = 0; index <= DeepestIndex(); index++)
        {
            if (RefreshAt(index) <= now)
            {
                RequestRefresh(index, now, random);
            }
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/>; <see cref="Instant.Never"/> while there is nothing to wait for.</summary>
    public Instant PollTimeout()
    {
        var earliest = _pings.Values.Aggregate(Instant.Never, (first, ping) => Instant.Earlier(first, ping.Deadline));
        for (var index = 0; index <= DeepestIndex(); index++)
        {
            earliest = Instant.Earlier(earliest, RefreshAt(index));
        }

        return earliest;
    }

    /// <summary>Takes the next thing to do; false when there is nothing until something happens.</summary>
    public bool TryPoll([NotNullWhen(true)] out RoutingOutput? output) => _outputs.TryDequeue(out output);

    private void Enter(Contact dialable, Instant now)
    {
        var bucket = BucketFor(dialable.Node, now);
        if (bucket.Find(dialable.Node) is { } entry)
        {
            entry.Contact = dialable;
            Refresh(bucket, entry, now);
        }
        else if (!bucket.IsFull)
        {
            bucket.AddLast(new BucketEntry(dialable, now));
            Count++;
            Promote(bucket, now);
        }
        else
        {
            // [KAD-6]: who is there stays; the newcomer waits until one of them turns out to be gone.
            bucket.AddReplacement(dialable);
            CheckOldest(bucket, now);
        }
    }

    private void FailIn(Bucket bucket, Contact tried, Instant now)
    {
        var node = tried.Node;
        bucket.RemoveReplacement(node);
        // [KAD-7]: a liar who names wrong addresses for a good node must not drive it out.
        if (bucket.Find(node) is { } entry && entry.Contact.Equals(tried))
        {
            entry.Failures++;
            // [KAD-7]: without anybody to take its place, a node that may be back soon is better than none.
            if (bucket.HasReplacement || entry.Failures >= _options.MaxFailures)
            {
                bucket.Remove(entry);
                Count--;
            }
        }

        Promote(bucket, now);
    }

    private Bucket BucketFor(NodeId node, Instant now) =>
        _buckets[_self.DistanceTo(node).SharedPrefixBits] ??= new Bucket { LookedUpAt = now };

    // Asked after every request: most of the 160 buckets are never made.
    private int DeepestIndex()
    {
        var index = _buckets.Length - 1;
        while (index >= 0 && _buckets[index] is not { Entries.Count: > 0 })
        {
            index--;
        }

        return index;
    }

    private Instant RefreshAt(int index) => (_buckets[index]?.LookedUpAt ?? default) + _options.RefreshInterval;

    private void RequestRefresh(int index, Instant now, RandomSource random)
    {
        (_buckets[index] ??= new Bucket()).LookedUpAt = now;
        _outputs.Enqueue(new RoutingOutput.Refresh(RandomPointIn(index, random)));
    }

    private DhtKey RandomPointIn(int index, RandomSource random)
    {
        // The prefix up to the index is this node's, the bit there the other one, and what follows is drawn.
        Span<byte> point = stackalloc byte[DhtKey.ByteCount];
        Span<byte> own = stackalloc byte[DhtKey.ByteCount];
        random.Fill(point);
        _self.CopyTo(own);
        own[..(index / 8)].CopyTo(point);
        var bit = 0x80 >> (index % 8);
        var kept = ~((bit << 1) - 1) & 0xff;
        var boundary = index / 8;
        point[boundary] = (byte)((own[boundary] & kept) | (~own[boundary] & bit) | (point[boundary] & (bit - 1)));
        return DhtKey.TryRead(point, out var key) ? key : default;
    }

    private static void Refresh(Bucket bucket, BucketEntry entry, Instant now)
    {
        entry.SeenAt = now;
        entry.Failures = 0;
        bucket.MoveLast(entry);
    }

    private void CheckOldest(Bucket bucket, Instant now)
    {
        if (bucket.IsFull && bucket.Entries[0] is var oldest && oldest.SeenAt + _options.FreshFor <= now && !_pings.ContainsKey(oldest.Contact.Node))
        {
            TryPing(oldest.Contact, now);
        }
    }

    private void Promote(Bucket bucket, Instant now)
    {
        if (!bucket.IsFull && bucket.HasReplacement && !IsFreeToPing)
        {
            _isShortOfPings = true;
        }
        else if (!bucket.IsFull && bucket.TakeReplacement() is { } waiting)
        {
            TryPing(waiting, now);
        }
    }

    // [KAD-3]: who was named while all pings were under way is not forgotten; the nearest buckets, which fill the slowest, come first.
    private void PromoteWaiting(Instant now)
    {
        if (!_isShortOfPings || !IsFreeToPing)
        {
            return;
        }

        _isShortOfPings = false;
        foreach (var bucket in _buckets.Reverse().OfType<Bucket>())
        {
            for (var places = KademliaConstants.BucketSize - bucket.Entries.Count; places > 0 && bucket.HasReplacement; places--)
            {
                Promote(bucket, now);
            }
        }
    }

    private bool IsFreeToPing => _pings.Count < _options.MaxPings;

    private bool TryPing(Contact contact, Instant now)
    {
        if (!IsFreeToPing || !_pings.TryAdd(contact.Node, (now + _options.PingTimeout, contact)))
        {
            return false;
        }

        _outputs.Enqueue(new RoutingOutput.Ping(contact));
        return true;
    }
}
