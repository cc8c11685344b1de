using System.Diagnostics.CodeAnalysis;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Dht;

/// <summary>The keys of the DHT that this node watches, so that it knows without asking what stands under them.</summary>
/// <remarks>Used on the realm's queue only. Bounded: the key that was used longest ago gives way to a new one, unless somebody holds it; one that nobody has used for 10 minutes ends.</remarks>
internal sealed class KeyWatches(RealmServices realm, SerialQueue queue, DhtSettings settings, Joining joining, Overlay overlay, Holder holder, RecordIntake intake)
{
    // What was not wanted for so long is looked up when it is wanted again; until then it costs three connections and a renewal each half minute.
    private static readonly TimeSpan UnusedTime = TimeSpan.FromMinutes(10);

    private readonly Dictionary<DhtKey, LinkedListNode<KeyWatch>> _byKey = [];
    private readonly LinkedList<KeyWatch> _byUse = [];
    private QueueTimer? _expiry;
    private bool _isStopped;

    /// <summary>The watch of a key; null when there is none.</summary>
    public KeyWatch? Find(DhtKey key) => _byKey.GetValueOrDefault(key)?.Value;

    /// <summary>The watch of a key, begun if there is none; counts as use.</summary>
    /// <exception cref="MaculaException">Every watch is held by somebody, or the node stops.</exception>
    public KeyWatch Use(DhtKey key) => TryUse(key, out var watch)
        ? watch
        : throw new MaculaException(ErrorCode.LimitExceeded, $"This node watches {settings.Options.MaxWatchedKeys} keys of the DHT, which is the most ({nameof(DhtOptions.MaxWatchedKeys)}).");

    /// <summary>The watch of a key, begun if there is none; counts as use. False when every watch is held by somebody.</summary>
    /// <exception cref="MaculaException">The node stops.</exception>
    public bool TryUse(DhtKey key, [NotNullWhen(true)] out KeyWatch? watch)
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        if (_byKey.TryGetValue(key, out var known))
        {
            _byUse.Remove(known);
            _byUse.AddLast(known);
            known.Value.Use();
            watch = known.Value;
            return true;
        }

        if (_byKey.Count >= settings.Options.MaxWatchedKeys && !TryMakeRoom())
        {
            watch = null;
            return false;
        }

        watch = new KeyWatch(realm, queue, settings.Mode, joining, overlay, holder, intake, key);
        _byKey.Add(key, _byUse.AddLast(watch));
        watch.Use();
        watch.Start();
        ScheduleExpiry();
        return true;
    }

    /// <summary>This node holds a record from now on: whoever watches its key here learns of it as from any holder.</summary>
    public void HandleHeld(VerifiedRecord record) => Find(record.Key)?.HandlePushed([record]);

    /// <summary>This node has come into the network, or back.</summary>
    public void HandleJoined()
    {
        foreach (var watch in _byUse)
        {
            watch.HandleJoined();
        }
    }

    /// <summary>A node has come into the routing table: it may be nearer to some keys than those at which they are watched.</summary>
    public void HandleNewcomer(NodeId node)
    {
        foreach (var watch in _byUse)
        {
            watch.HandleNewcomer(node);
        }
    }

    /// <summary>The last connection to a node has ended.</summary>
    public void HandleDisconnected(NodeId node)
    {
        foreach (var watch in _byUse)
        {
            watch.HandleDisconnected(node);
        }
    }

    /// <summary>Watches nothing any more.</summary>
    public void Stop()
    {
        _isStopped = true;
        _expiry?.Stop();
        foreach (var watch in _byUse)
        {
            watch.Stop();
        }
    }

    // The one that was used longest ago stands first, so it is the first that can be due.
    private void ScheduleExpiry()
    {
        _expiry ??= new QueueTimer(realm, queue, HandleExpiry);
        _expiry.Set(_byUse.First is { } oldest ? oldest.Value.UsedAt + UnusedTime : Instant.Never);
    }

    private void HandleExpiry()
    {
        while (_byUse.First is { } oldest && oldest.Value.UsedAt + UnusedTime <= realm.Scheduler.Now)
        {
            if (oldest.Value.IsHeld)
            {
                // Whoever listens uses it without a word.
                _byUse.Remove(oldest);
                _byUse.AddLast(oldest);
                oldest.Value.Use();
            }
            else
            {
                End(oldest);
            }
        }

        ScheduleExpiry();
    }

    private void End(LinkedListNode<KeyWatch> entry)
    {
        entry.Value.Stop();
        _byUse.Remove(entry);
        _byKey.Remove(entry.Value.Key);
    }

    private bool TryMakeRoom()
    {
        for (var entry = _byUse.First; entry is not null; entry = entry.Next)
        {
            if (!entry.Value.IsHeld)
            {
                End(entry);
                return true;
            }
        }

        return false;
    }
}
