using System.Net;
using Macula.Diagnostics;
using Macula.Nodes;
using Macula.Realms;
using Macula.Requests;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Connections;

/// <summary>Opens connections on demand: one dial to a target is under way at a time, and everybody who wants it waits for that one.</summary>
/// <remarks>Used on the realm's queue only. A dial ends by the handshake's and the hello's own timeouts; those who wait may leave before.</remarks>
internal sealed class Dialer(RealmServices realm, RealmEndpoint endpoint, ConnectionTable connections)
{
    private readonly Dictionary<(IPEndPoint Address, NodeId? Wanted), Task<MeshConnection>> _underWay = [];

    private RequestServer? _requests;

    /// <summary>True once the node dials nobody any more: [RPC-11].</summary>
    public bool IsStopping { get; set; }

    /// <summary>Has the streams that others open on dialled connections served. Called once, before the first dial.</summary>
    public void ServeWith(RequestServer requests) => _requests = requests;

    /// <summary>The connection to a node, dialled if there is none.</summary>
    /// <param name="address">Where to dial.</param>
    /// <param name="wanted">The node that must answer; null takes any member of the realm.</param>
    /// <param name="cancellationToken">Stops waiting; the dial goes on for others.</param>
    /// <exception cref="DialException">The dial failed.</exception>
    public async ValueTask<MeshConnection> ConnectAsync(IPEndPoint address, NodeId? wanted, CancellationToken cancellationToken)
    {
        var existing = wanted is { } node ? connections.Find(node) : connections.FindDialled(address);
        return existing ?? await DialAsync(address, wanted, cancellationToken);
    }

    /// <summary>Dials even if there is a connection to the node; of two the one that stays is returned ([CON-5]).</summary>
    /// <inheritdoc cref="ConnectAsync"/>
    public async ValueTask<MeshConnection> DialAsync(IPEndPoint address, NodeId? wanted, CancellationToken cancellationToken)
    {
        if (IsStopping)
        {
            throw new DialException(ErrorCode.ShuttingDown, ErrorCodes.Describe(ErrorCode.ShuttingDown).Meaning);
        }

        if (!_underWay.TryGetValue((address, wanted), out var dial))
        {
            dial = DialOnceAsync(address, wanted);
            realm.Tasks.Run(() => LogFailureAsync(dial, address));
            if (!dial.IsCompleted)
            {
                _underWay.Add((address, wanted), dial);
            }
        }

        return await dial.WaitAsync(cancellationToken);
    }

    // Those who wait may have left before a dial fails; then this is the only one that learns of it.
    private async Task LogFailureAsync(Task<MeshConnection> dial, IPEndPoint address)
    {
        try
        {
            await dial;
        }
        catch (DialException exception)
        {
            realm.Logger.DialFailed(address, exception.Code, exception.Message);
        }
    }

    private async Task<MeshConnection> DialOnceAsync(IPEndPoint address, NodeId? wanted)
    {
        try
        {
            var transport = await endpoint.DialAsync(address);
            var connection = await ConnectionAttempt.EstablishAsync(realm, _requests!, transport, wanted);
            return connections.Add(connection, address);
        }
        finally
        {
            _underWay.Remove((address, wanted));
        }
    }
}
