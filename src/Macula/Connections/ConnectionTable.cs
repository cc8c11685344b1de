using System.Net;
using Macula.Diagnostics;
using Macula.Protocols.Establishment;
using Macula.Realms;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Connections;

/// <summary>Keeps one connection for each node of the realm. Bounded by the endpoint's limit of connections; an entry leaves when its connection ends.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class ConnectionTable(RealmServices realm, IdleReaper idle)
{
    // Each further address that leads to a living node adds one; beyond this many, a call by a new address dials each time.
    private const int MaxDialledAddresses = 10_000;

    private readonly Dictionary<NodeId, MeshConnection> _byNode = [];
    private readonly Dictionary<IPEndPoint, MeshConnection> _byDialledAddress = [];

    // What Redirect follows, so that the end of one connection costs nothing for the others.
    private readonly Dictionary<MeshConnection, List<IPEndPoint>> _dialledAddresses = [];

    // Also those that another one has replaced and that drain: bounded with the rest by the endpoint's limit.
    private readonly Dictionary<NodeId, List<MeshConnection>> _open = [];

    /// <summary>Every connection that has not ended, those that drain among them.</summary>
    public IEnumerable<MeshConnection> All => _open.Values.SelectMany(static connections => connections);

    /// <summary>Called when the last connection to a node has ended.</summary>
    public Action<NodeId>? Disconnected { get; set; }

    /// <summary>The connection to a node; null when there is none.</summary>
    public MeshConnection? Find(NodeId node) => Usable(_byNode.GetValueOrDefault(node));

    /// <summary>The connection that a dial to this address led to; null when there is none.</summary>
    public MeshConnection? FindDialled(IPEndPoint address) => Usable(_byDialledAddress.GetValueOrDefault(address));

    /// <summary>Adds a connection that has come up, and lets go of it when it ends.</summary>
    /// <param name="arriving">The connection.</param>
    /// <param name="dialledAddress">Where it was dialled; null when it was accepted.</param>
    /// <returns>The connection to that node that stays: this one, or the one that was there.</returns>
    public MeshConnection Add(MeshConnection arriving, IPEndPoint? dialledAddress)
    {
        realm.Metrics.ConnectionOpened();
        if (!_open.TryGetValue(arriving.Peer.NodeId, out var connections))
        {
            _open.Add(arriving.Peer.NodeId, connections = []);
        }

        connections.Add(arriving);
        idle.Add(arriving);
        var staying = Settle(arriving);
        if (dialledAddress is not null && (_byDialledAddress.Count < MaxDialledAddresses || _byDialledAddress.ContainsKey(dialledAddress)))
        {
            Direct(dialledAddress, staying);
        }

        // Last, since a connection that has ended already is removed at once.
        realm.Tasks.Run(() => RemoveAtEndAsync(arriving));
        return staying;
    }

    /// <summary>Finds no longer a connection that is dead or drains, so that the next one who asks dials; nothing happens when that was done.</summary>
    public void LetGo(MeshConnection dead)
    {
        if (_byNode.GetValueOrDefault(dead.Peer.NodeId) == dead)
        {
            _byNode.Remove(dead.Peer.NodeId);

            // Another connection to the node may be open, which this one had replaced only here ([CON-7]).
            if (_open.GetValueOrDefault(dead.Peer.NodeId)?.Find(other => other != dead && !other.IsDraining) is { } other)
            {
                _byNode.Add(dead.Peer.NodeId, other);
            }
        }

        Redirect(dead, _byNode.GetValueOrDefault(dead.Peer.NodeId));
    }

    // [CON-8]: a connection that drains takes no new streams, so for whoever asks it is not there.
    private MeshConnection? Usable(MeshConnection? found)
    {
        if (found is not { IsDraining: true })
        {
            return found;
        }

        LetGo(found);
        return Find(found.Peer.NodeId);
    }

    private MeshConnection Settle(MeshConnection arriving)
    {
        if (arriving.IsDraining)
        {
            return Find(arriving.Peer.NodeId) ?? arriving;
        }

        _ = Find(arriving.Peer.NodeId);
        if (!_byNode.TryGetValue(arriving.Peer.NodeId, out var existing))
        {
            _byNode.Add(arriving.Peer.NodeId, arriving);
            return arriving;
        }

        if (existing == arriving)
        {
            // The one that was there drains, and this one, which is open too, has taken its place already.
            return arriving;
        }

        var arrivingStays = DuplicateConnection.ArrivingStays(realm.Self.NodeId, arriving.Peer.NodeId, existing.Origin, arriving.Origin);
        var (staying, leaving) = arrivingStays ? (arriving, existing) : (existing, arriving);
        _byNode[arriving.Peer.NodeId] = staying;

        // Who dialled the address of the one that leaves must find the one that stays.
        Redirect(leaving, staying);
        realm.Logger.DuplicateDrains(arriving.Peer.NodeId, staying.Origin.By == Dialled.ByThisNode ? "here" : "there");
        if (DuplicateConnection.DrainsHere(existing.Origin, arriving.Origin))
        {
            realm.Tasks.Run(() => leaving.DrainAsync(ErrorCode.DuplicateConnection, realm.Limits.DrainTimeout));
        }

        return staying;
    }

    private async Task RemoveAtEndAsync(MeshConnection connection)
    {
        var end = await connection.WaitForEndAsync();
        realm.Metrics.ConnectionClosed();
        realm.Logger.ConnectionEnded(connection.Peer.NodeId, end.ToString());
        idle.Remove(connection);
        Remove(connection);
        LetGo(connection);
        if (!_byNode.ContainsKey(connection.Peer.NodeId))
        {
            Disconnected?.Invoke(connection.Peer.NodeId);
        }
    }

    private void Remove(MeshConnection ended)
    {
        var connections = _open[ended.Peer.NodeId];
        connections.Remove(ended);
        if (connections.Count == 0)
        {
            _open.Remove(ended.Peer.NodeId);
        }
    }

    private void Direct(IPEndPoint address, MeshConnection to)
    {
        if (_byDialledAddress.TryGetValue(address, out var before))
        {
            _dialledAddresses[before].Remove(address);
        }

        _byDialledAddress[address] = to;
        if (!_dialledAddresses.TryGetValue(to, out var addresses))
        {
            _dialledAddresses.Add(to, addresses = []);
        }

        addresses.Add(address);
    }

    private void Redirect(MeshConnection from, MeshConnection? to)
    {
        if (!_dialledAddresses.Remove(from, out var addresses))
        {
            return;
        }

        foreach (var address in addresses)
        {
            _byDialledAddress.Remove(address);
            if (to is not null)
            {
                Direct(address, to);
            }
        }
    }
}
