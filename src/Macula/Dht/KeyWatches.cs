using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>The keys of the DHT that this node watches, so that it knows without asking what stands under them.</summary>
/// <remarks>Used on the realm's queue only. Bounded: the key that was used longest ago gives way to a new one, unless somebody holds it.</remarks>
internal sealed class KeyWatches(RealmServices realm, SerialQueue queue, DhtSettings settings, Joining joining, Overlay overlay, Holder holder, RecordIntake intake)
{
    private readonly Dictionary<DhtKey, LinkedListNode<KeyWatch>> _byKey = [];
    private readonly LinkedList<KeyWatch> _byUse = [];
    private bool _isStopped;

    /// <summary>The watch of a key; null when there is none.</summary>
    public KeyWatch? Find(DhtKey key) => _byKey.GetValueOrDefault(key)?.Value;

    /// <summary>The watch of a key, begun if there is none; counts as use.</summary>
    /// <exception cref="MaculaException">Every watch is held by somebody, or the node stops.</exception>
    public KeyWatch Use(DhtKey key)
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        if (_byKey.TryGetValue(key, out var known))
        {
            _byUse.Remove(known);
            _byUse.AddLast(known);
            return known.Value;
        }

        if (_byKey.Count >= settings.Options.MaxWatchedKeys)
        {
            MakeRoom();
        }

        var watch = new KeyWatch(realm, queue, settings.Mode, joining, overlay, holder, intake, key);
        _byKey.Add(key, _byUse.AddLast(watch));
        watch.Start();
        return watch;
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
        foreach (var watch in _byUse)
        {
            watch.Stop();
        }
    }

    private void MakeRoom()
    {
        for (var entry = _byUse.First; entry is not null; entry = entry.Next)
        {
            if (!entry.Value.IsHeld)
            {
                entry.Value.Stop();
                _byUse.Remove(entry);
                _byKey.Remove(entry.Value.Key);
                return;
            }
        }

        throw new MaculaException(ErrorCode.LimitExceeded, $"This node watches {settings.Options.MaxWatchedKeys} keys of the DHT, which is the most ({nameof(DhtOptions.MaxWatchedKeys)}).");
    }
}
