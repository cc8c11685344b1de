using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>Gives nodes that have come near the records that they should hold ([REC-21]), so that who watches or asks there finds them before their publishers renew them.</summary>
/// <remarks>Used on the realm's queue only. Bounded by the routing table, from which newcomers come; one record for each newcomer is under way at a time.</remarks>
internal sealed class Replicator
{
    // Newcomers come in crowds when a realm starts; each look through the keys serves those of a moment.
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    private readonly RealmServices _realm;
    private readonly Overlay _overlay;
    private readonly Holder _holder;
    private readonly QueueTimer _timer;
    private readonly List<NodeId> _newcomers = [];
    private bool _isStopped;

    public Replicator(RealmServices realm, SerialQueue queue, Overlay overlay, Holder holder)
    {
        _realm = realm;
        _overlay = overlay;
        _holder = holder;
        _timer = new QueueTimer(realm, queue, HandleTimeout);
    }

    /// <summary>A node has come into the routing table.</summary>
    public void HandleNewcomer(NodeId node)
    {
        _newcomers.Add(node);
        if (_newcomers.Count == 1)
        {
            _timer.Set(_realm.Scheduler.Now + Delay);
        }
    }

    /// <summary>Gives nothing more.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
    }

    private void HandleTimeout()
    {
        var newcomers = _newcomers.ToHashSet();
        var shares = _newcomers.Distinct().Select(node => (Node: node, Keys: new List<DhtKey>())).ToList();
        _newcomers.Clear();
        var neighbours = _overlay.Closest(DhtKey.PlaceOf(_realm.Self.NodeId)).Where(contact => !newcomers.Contains(contact.Node)).ToList();
        foreach (var key in _holder.Keys)
        {
            // Kademlia §2.5: of those that hold a key the nearest one gives it to a newcomer, and the others need not.
            var own = key.DistanceTo(_realm.Self.NodeId);
            if (neighbours.Exists(contact => key.DistanceTo(contact.Node) < own))
            {
                continue;
            }

            var nearest = _overlay.Closest(key);
            foreach (var (node, keys) in shares)
            {
                if (nearest.Any(contact => contact.Node == node))
                {
                    keys.Add(key);
                }
            }
        }

        foreach (var (node, keys) in shares)
        {
            if (keys.Count > 0 && _overlay.Find(node) is { } newcomer)
            {
                _realm.Tasks.Run(() => GiveAsync(newcomer, keys));
            }
        }
    }

    private async Task GiveAsync(Contact newcomer, List<DhtKey> keys)
    {
        try
        {
            var connection = await _overlay.ConnectAsync(newcomer);
            foreach (var key in keys)
            {
                RecordPage page;
                NodeId? after = null;
                do
                {
                    page = _holder.Page(key, after);
                    foreach (var record in page.Records)
                    {
                        if (_isStopped)
                        {
                            return;
                        }

                        // Its own records this node publishes itself.
                        if (record.Publisher != _realm.Self.NodeId && record.Publisher != newcomer.Node)
                        {
                            await OfferAsync(connection, record);
                        }
                    }

                    after = page.Next;
                }
                while (after is not null);
            }
        }
        catch (MaculaException exception)
        {
            // It is gone already; publishers find another when they renew their records.
            _overlay.HandleFailed(newcomer, exception);
        }
    }

    private async ValueTask OfferAsync(Connections.MeshConnection connection, VerifiedRecord record)
    {
        try
        {
            await _overlay.Client.StoreAsync(connection, record);
        }
        catch (DhtRefusedException)
        {
            // It holds what is newer, or will not hold this one; the next one may be welcome.
        }
    }
}
