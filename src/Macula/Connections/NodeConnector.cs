using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Connections;

/// <summary>Connects to a node at whichever of its addresses answers first.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class NodeConnector(RealmServices realm, ConnectionTable connections, Dialer dialer, AddressPolicy dialable)
{
    // RFC 8305 §5 gives a first attempt 250 ms before the next begins beside it; a mutual handshake takes two round trips more.
    private static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(500);

    private readonly StaggeredAttempts _attempts = new(realm, HeadStart);

    /// <summary>The connection to a node, dialled if there is none.</summary>
    /// <param name="contact">Who, and where; addresses that may not be dialled are passed over ([KAD-4]).</param>
    /// <param name="cancellationToken">Stops waiting; dials that began go on.</param>
    /// <exception cref="DialException">No address led to the node.</exception>
    public ValueTask<MeshConnection> ConnectAsync(Contact contact, CancellationToken cancellationToken) =>
        connections.Find(contact.Node) is { } existing ? ValueTask.FromResult(existing) : DialAsync(contact, cancellationToken);

    /// <summary>A connection to a node by one of these addresses, which proves the node to be there ([KAD-3]).</summary>
    /// <inheritdoc cref="ConnectAsync"/>
    public ValueTask<MeshConnection> ConnectProvenAsync(Contact contact, CancellationToken cancellationToken) =>
        FindProven(contact) is { } proven ? ValueTask.FromResult(proven) : DialAsync(contact, cancellationToken);

    /// <summary>The connection to a node to which one of these addresses led, or over which it came from one of them; null when there is none.</summary>
    /// <remarks>
    /// One port serves both roles, so a node whose handshake came from an address is as much there as one that was dialled there: to dial back would take the
    /// same way through whatever lies between, and would show nothing more.
    /// </remarks>
    public MeshConnection? FindProven(Contact contact)
    {
        var existing = connections.Find(contact.Node);
        foreach (var address in contact.Addresses)
        {
            var place = address.ToEndPoint();
            if (existing is not null && existing.BirthRemoteEndPoint.Equals(place))
            {
                return existing;
            }

            if (connections.FindDialled(place) is { } connection && connection.Peer.NodeId == contact.Node)
            {
                return connection;
            }
        }

        return null;
    }

    private async ValueTask<MeshConnection> DialAsync(Contact contact, CancellationToken cancellationToken)
    {
        if (dialable.Filter(contact) is not { } filtered)
        {
            throw new DialException(ErrorCode.Unreachable, $"{contact.Node.ToShortString()} names no address that this node may dial.");
        }

        var attempts = filtered.Addresses.Select<NodeAddress, Func<ValueTask<MeshConnection>>>(
            address => () => dialer.DialAsync(address.ToEndPoint(), contact.Node, cancellationToken));
        return (await _attempts.RunAsync([.. attempts], cancellationToken)).Result;
    }
}
