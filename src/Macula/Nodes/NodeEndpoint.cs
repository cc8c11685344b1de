using System.Collections.Immutable;
using Macula.Diagnostics;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Nodes;

/// <summary>One endpoint of the transport and the realms that are served on it: each incoming connection goes to the realm that it names.</summary>
/// <remarks>The only place that knows more than one realm, and it knows them by id alone.</remarks>
internal sealed class NodeEndpoint(TransportEndpoint transport, TaskRoot tasks, ILogger logger)
{
    private ImmutableDictionary<RealmId, RealmContext> _realms = ImmutableDictionary<RealmId, RealmContext>.Empty;

    /// <summary>Starts to hand incoming connections of a realm to it.</summary>
    public void Serve(RealmContext realm)
    {
        var added = ImmutableInterlocked.TryAdd(ref _realms, realm.Services.Realm, realm);
        Wire.Invariant.Hold(added, "A node serves a realm once.");
        transport.Serve(realm.Services.TlsIdentity);
    }

    /// <summary>Starts to accept connections, until the endpoint is closed.</summary>
    public void Start() => tasks.Run(AcceptAsync);

    private async Task AcceptAsync()
    {
        while (await transport.AcceptConnectionAsync() is { } connection)
        {
            // [CON-1]: the server name decides, once and for the connection's life.
            if (RealmId.TryParseServerName(connection.ServerName, out var id) && Volatile.Read(ref _realms).TryGetValue(id, out var realm))
            {
                realm.Accept(connection);
            }
            else
            {
                logger.AcceptedConnectionLost($"it names {connection.ServerName}, which is not served here");
                connection.Close((ulong)ErrorCode.RealmNotServed, ErrorCodes.Describe(ErrorCode.RealmNotServed).Meaning);
            }
        }
    }
}
