using Macula.Connections;
using Macula.Dht;
using Macula.Identity.Credentials;
using Macula.Identity.Realm;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula;

/// <summary>What a peer is started with. Immutable.</summary>
public sealed record MaculaPeerOptions
{
    /// <summary>The realm file that every member has: see <see cref="RealmFile.Load"/>.</summary>
    public required RealmFile Realm { get; init; }

    /// <summary>This node's key and certificate: see <see cref="NodeCredentials.Load"/>.</summary>
    public required NodeCredentials Credentials { get; init; }

    /// <summary>How packets travel: QUIC in production, a simulated network in tests.</summary>
    public required ITransport Transport { get; init; }

    /// <summary>The address to bind and the transport's limits. Default: any IPv4 address, a port that the system chooses.</summary>
    public EndpointOptions Endpoint { get; init; } = new();

    /// <summary>Limits of connections and calls.</summary>
    public ConnectionOptions Connections { get; init; } = new();

    /// <summary>How the node takes part in the realm's DHT. Default: as a client.</summary>
    public DhtOptions Dht { get; init; } = new();

    /// <summary>Where log lines go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Where the node's code runs, and its clock. Default null: the thread pool and the system's clock.</summary>
    public MeshScheduler? Scheduler { get; init; }

    /// <summary>Where randomness comes from. Default null: the operating system.</summary>
    public RandomSource? Random { get; init; }

    /// <summary>Whether this node checks its own certificate at the start as others will. Default <see cref="OwnCertificateCheck.Required"/>.</summary>
    public OwnCertificateCheck OwnCertificate { get; init; } = OwnCertificateCheck.Required;
}

/// <summary>Whether a node checks its own certificate when it starts.</summary>
public enum OwnCertificateCheck
{
    /// <summary>A node whose certificate others would refuse does not start.</summary>
    Required,

    /// <summary>The node starts with whatever it has, and others refuse it: for showing and testing that they do.</summary>
    Skipped,
}
