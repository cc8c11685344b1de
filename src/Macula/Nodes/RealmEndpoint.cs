using System.Net;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Nodes;

/// <summary>What one realm has of an endpoint that others may share: it dials with the realm's identity, and holds the realm's connections of the transport.</summary>
/// <remarks>
/// Holds connections from their first moment, before they are up, so that a realm which leaves the endpoint leaves nothing behind. Bounded by the
/// endpoint's limit of connections. May be used from any queue.
/// </remarks>
#pragma warning disable CA1001 // A source without timer or link holds nothing to let go of, and dials look at it until they have ended.
internal sealed class RealmEndpoint(TransportEndpoint transport, RealmServices realm)
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _leaving = new();
    private readonly Lock _gate = new();
    private readonly HashSet<TransportConnection> _open = [];
    private bool _closed;

    /// <summary>Dials an address for the realm.</summary>
    /// <exception cref="DialException">The dial failed, or the realm has left the endpoint.</exception>
    public async ValueTask<TransportConnection> DialAsync(IPEndPoint remote)
    {
        ThrowIfClosed();
        try
        {
            var connection = await transport.DialAsync(remote, realm.TlsIdentity, _leaving.Token);
            if (!TryHold(connection))
            {
                ThrowIfClosed();
            }

            return connection;
        }
        catch (OperationCanceledException)
        {
            throw Left();
        }
    }

    /// <inheritdoc cref="TransportEndpoint.ResolveAsync"/>
    public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host) => transport.ResolveAsync(host);

    /// <summary>Holds a connection until it ends; false when the realm has left the endpoint, and the connection is closed.</summary>
    public bool TryHold(TransportConnection connection)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _open.Add(connection);
                realm.Tasks.Run(() => ReleaseAtEndAsync(connection));
                return true;
            }
        }

        Close(connection);
        return false;
    }

    /// <summary>Closes every connection of the realm, and those that come later; dials that are under way fail.</summary>
    public void Close()
    {
        TransportConnection[] open;
        lock (_gate)
        {
            _closed = true;
            open = [.. _open];
        }

        // An endpoint that others share stays open, and a dial to a node that is gone takes its whole timeout.
        _leaving.Cancel();
        foreach (var connection in open)
        {
            Close(connection);
        }
    }

    // [RPC-11]: the code of a node that stops, whatever becomes of the endpoint.
    private static void Close(TransportConnection connection) =>
        connection.Close((ulong)ErrorCode.ShuttingDown, ErrorCodes.Describe(ErrorCode.ShuttingDown).Meaning);

    private async Task ReleaseAtEndAsync(TransportConnection connection)
    {
        await connection.WaitForEndAsync();
        lock (_gate)
        {
            _open.Remove(connection);
        }
    }

    private void ThrowIfClosed()
    {
        if (Volatile.Read(ref _closed))
        {
            throw Left();
        }
    }

    private static DialException Left() => new(ErrorCode.ShuttingDown, "This node is shutting down.");
}
