using Macula.Connections;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>Connects to nodes that are known by their ids alone.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class NodeFinder(RealmServices realm, Overlay overlay, Holder holder, ConnectionTable connections, NodeConnector connector)
{
    // A node that is where the table says answers within a few round trips; one that has moved has a record that is newer than the table.
    private static readonly TimeSpan HeadStart = TimeSpan.FromSeconds(1);

    private readonly StaggeredAttempts _attempts = new(realm, HeadStart);
    private readonly Dictionary<NodeId, Task<Contact>> _underWay = [];

    /// <summary>The connection to a node: the one that is there, or one dialled at the addresses of the routing table, or of its record.</summary>
    /// <exception cref="MaculaException">Nobody knows where it is, or it cannot be reached there.</exception>
    /// <exception cref="OperationCanceledException">The token fired; what began goes on.</exception>
    public async ValueTask<MeshConnection> ConnectAsync(NodeId node, CancellationToken cancellationToken)
    {
        if (connections.Find(node) is { } existing)
        {
            return existing;
        }

        Func<ValueTask<MeshConnection>> byRecord = () => ConnectByRecordAsync(node, cancellationToken);
        return overlay.Find(node) is { } neighbour
            ? (await _attempts.RunAsync([() => ConnectAsync(neighbour, cancellationToken), byRecord], cancellationToken)).Result
            : await byRecord();
    }

    private async ValueTask<MeshConnection> ConnectAsync(Contact neighbour, CancellationToken cancellationToken)
    {
        try
        {
            return await connector.ConnectAsync(neighbour, cancellationToken);
        }
        catch (DialException exception)
        {
            overlay.HandleFailed(neighbour, exception);
            throw;
        }
    }

    private async ValueTask<MeshConnection> ConnectByRecordAsync(NodeId node, CancellationToken cancellationToken) =>
        await connector.ConnectAsync(await ShareLookUp(node).WaitAsync(cancellationToken), cancellationToken);

    // Many calls may want the same node at once: one lookup serves them.
    private Task<Contact> ShareLookUp(NodeId node)
    {
        if (!_underWay.TryGetValue(node, out var lookup))
        {
            lookup = LookUpAsync(node);
            if (!lookup.IsCompleted)
            {
                _underWay.Add(node, lookup);
                realm.Tasks.Run(() => ForgetAsync(node, lookup));
            }
        }

        return lookup;
    }

    private async Task ForgetAsync(NodeId node, Task<Contact> lookup)
    {
        try
        {
            await lookup;
        }
        catch (MaculaException)
        {
            // Those who wait learn of it, if any still do.
        }

        _underWay.Remove(node);
    }

    private async Task<Contact> LookUpAsync(NodeId node)
    {
        // Three holders, as for any record: the one that is nearest may have missed the newest.
        var key = DhtKey.OfNode(realm.Realm, node);
        var found = await overlay.LookUpAsync(LookupGoal.Records, key);
        var record = found.Records.Concat(holder.Live(key)).Where(record => record.Publisher == node).MaxBy(record => record.Body.Sequence);
        return record?.Body.Content is RecordContent.Node { Addresses.IsEmpty: false } place
            ? new Contact(node, [.. place.Addresses.Take(Contact.MaxAddresses)])
            : throw new MaculaException(ErrorCode.Unreachable, $"Nobody in the realm says where {node.ToShortString()} can be reached.");
    }
}
