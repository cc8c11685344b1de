using Macula.Connections;
using Macula.Dht;
using Macula.Identity.Credentials;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula.Gateway;

/// <summary>What a gateway is started with. Immutable.</summary>
public sealed record GatewayOptions
{
    /// <summary>The realms to serve, each once: 1 to <see cref="MaculaGateway.MaxRealms"/>.</summary>
    public required IReadOnlyList<GatewayRealm> Realms { get; init; }

    /// <summary>How packets travel: QUIC in production, a simulated network in tests.</summary>
    public required ITransport Transport { get; init; }

    /// <summary>The address to bind and the transport's limits, which all realms share. Default: any IPv4 address, a port that the system chooses.</summary>
    public EndpointOptions Endpoint { get; init; } = new();

    /// <summary>Limits of connections, for each realm by itself.</summary>
    public ConnectionOptions Connections { get; init; } = new();

    /// <summary>How the gateway takes part in each realm's DHT; always in server mode, whatever this says.</summary>
    public DhtOptions Dht { get; init; } = new();

    /// <summary>Where log lines go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Where the gateway's code runs, and its clock. Default null: the thread pool and the system's clock.</summary>
    public MeshScheduler? Scheduler { get; init; }

    /// <summary>Where randomness comes from. Default null: the operating system.</summary>
    public RandomSource? Random { get; init; }

    /// <summary>Checks what can be checked before anything is bound.</summary>
    /// <exception cref="ArgumentException">There is no realm, one too many, or one twice.</exception>
    /// <exception cref="MaculaException">A certificate has neither of the roles that a gateway needs.</exception>
    internal void ThrowIfWrong()
    {
        if (Realms.Count is 0 or > MaculaGateway.MaxRealms)
        {
            throw new ArgumentException($"A gateway serves 1 to {MaculaGateway.MaxRealms} realms, not {Realms.Count}.");
        }

        if (Realms.GroupBy(realm => realm.Realm.Id).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
        {
            throw new ArgumentException($"A gateway serves a realm once; {twice.First().Realm.Name} ({twice.Key}) is named {twice.Count()} times.");
        }

        foreach (var (realm, credentials) in Realms)
        {
            var node = credentials.Identity;
            if ((node.Roles & (NodeRoles.Gateway | NodeRoles.Bootstrap)) == 0)
            {
                throw new MaculaException(
                    ErrorCode.CertificateWrongUsage,
                    $"The certificate of {node.Name} in realm {realm.Name} has neither the role gateway nor the role bootstrap (it has: {node.Roles}). Issue one that has, such as with --roles gateway,bootstrap.");
            }
        }
    }
}

/// <summary>A realm that a gateway serves, and who the gateway is there.</summary>
/// <param name="Realm">The realm file that every member has.</param>
/// <param name="Credentials">The gateway's key and certificate in this realm; the certificate has the role gateway or bootstrap.</param>
public sealed record GatewayRealm(RealmFile Realm, NodeCredentials Credentials);
