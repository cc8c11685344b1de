using System.Collections.Immutable;
using Macula.Diagnostics;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Nodes;

/// <summary>One endpoint of the transport and the realms that are served on it: each incoming connection goes to the realm that it names.</summary>
/// <remarks>The only place that knows more than one realm. May be used from any thread.</remarks>
internal sealed class NodeEndpoint(TransportEndpoint transport, ILogger logger)
{
    // Serving and withdrawing change this table and the transport's together.
    private readonly Lock _gate = new();
    private ImmutableDictionary<RealmId, ServedRealm> _realms = ImmutableDictionary<RealmId, ServedRealm>.Empty;
    private bool _closed;

    /// <summary>Starts to hand incoming connections of a realm to it.</summary>
    /// <param name="realm">Its id and certificate are what others ask for.</param>
    /// <param name="stop">Stops its node, in good order; this ends with <see cref="Withdraw"/>.</param>
    /// <exception cref="RealmAlreadyServedException">It is served here already.</exception>
    /// <exception cref="ObjectDisposedException">The endpoint is closed.</exception>
    public void Serve(RealmContext realm, Func<ValueTask> stop)
    {
        var id = realm.Services.Realm;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(MeshEndpoint));
            if (_realms.ContainsKey(id))
            {
                throw new RealmAlreadyServedException(id);
            }

            // Before the transport lets anybody in, so that whoever comes in is known.
            transport.Serve(realm.Services.TlsIdentity);
            Volatile.Write(ref _realms, _realms.Add(id, new ServedRealm(realm, stop)));
        }
    }

    /// <summary>Ends that; nothing happens when it was done. Connections of the realm are the realm's affair.</summary>
    public void Withdraw(RealmContext realm)
    {
        lock (_gate)
        {
            if (_realms.TryGetValue(realm.Services.Realm, out var served) && served.Realm == realm)
            {
                transport.Withdraw(realm.Services.TlsIdentity.ServerName);
                Volatile.Write(ref _realms, _realms.Remove(realm.Services.Realm));
            }
        }
    }

    /// <summary>Takes no more realms and names those that are served, in the order of their ids.</summary>
    public IReadOnlyList<ServedRealm> Close()
    {
        lock (_gate)
        {
            _closed = true;
            return [.. _realms.Values.OrderBy(served => served.Realm.Services.Realm.ToString(), StringComparer.Ordinal)];
        }
    }

    /// <summary>Hands connections to their realms until the endpoint is closed.</summary>
    public async Task AcceptAsync()
    {
        while (await transport.AcceptConnectionAsync() is { } connection)
        {
            // [CON-1]: the server name decides, once and for the connection's life.
            if (RealmId.TryParseServerName(connection.ServerName, out var id) && Volatile.Read(ref _realms).TryGetValue(id, out var served))
            {
                served.Realm.Accept(connection);
            }
            else
            {
                logger.AcceptedConnectionLost($"it names {connection.ServerName}, which is not served here");
                connection.Close((ulong)ErrorCode.RealmNotServed, ErrorCodes.Describe(ErrorCode.RealmNotServed).Meaning);
            }
        }
    }
}

/// <summary>A realm that is served on an endpoint, and how its node is stopped.</summary>
internal sealed record ServedRealm(RealmContext Realm, Func<ValueTask> StopAsync);
