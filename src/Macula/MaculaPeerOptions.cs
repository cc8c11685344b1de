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

    /// <summary>How packets travel on an endpoint of the node's own: QUIC in production, a simulated network in tests. Either this or <see cref="SharedEndpoint"/>.</summary>
    public ITransport? Transport { get; init; }

    /// <summary>The address to bind and the transport's limits. Default: any IPv4 address, a port that the system chooses. Not for a shared endpoint, which is bound already.</summary>
    public EndpointOptions Endpoint { get; init; } = new();

    /// <summary>An endpoint on which this node runs beside nodes of other realms, on that endpoint's scheduler. Either this or <see cref="Transport"/>.</summary>
    public MeshEndpoint? SharedEndpoint { get; init; }

    /// <summary>Limits of connections and calls.</summary>
    public ConnectionOptions Connections { get; init; } = new();

    /// <summary>How the node takes part in the realm's DHT. Default: as a client.</summary>
    public DhtOptions Dht { get; init; } = new();

    /// <summary>Where log lines go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Where the node's code runs, and its clock. Default null: those of the shared endpoint; without one, the thread pool and the system's clock.</summary>
    public MeshScheduler? Scheduler { get; init; }

    /// <summary>Where randomness comes from. Default null: the operating system.</summary>
    public RandomSource? Random { get; init; }

    /// <summary>Whether this node checks its own certificate at the start as others will. Default <see cref="OwnCertificateCheck.Required"/>.</summary>
    public OwnCertificateCheck OwnCertificate { get; init; } = OwnCertificateCheck.Required;

    /// <summary>Checks what the type cannot say: limits, and that there is one endpoint and no option that would not count.</summary>
    /// <exception cref="ArgumentException">The message says which option, and what to do.</exception>
    internal void ThrowIfWrong()
    {
        Connections.ThrowIfOutOfRange();
        Dht.ThrowIfOutOfRange();
        switch (Transport, SharedEndpoint)
        {
            case (null, null):
                throw new ArgumentException($"A node needs an endpoint: give it {nameof(Transport)}, to bind one of its own, or {nameof(SharedEndpoint)}.");
            case (not null, not null):
                throw new ArgumentException($"A node has one endpoint: give it {nameof(Transport)}, to bind one of its own, or {nameof(SharedEndpoint)}, not both.");
            case (null, { } shared) when Scheduler is not null && Scheduler != shared.Scheduler:
                throw new ArgumentException($"A node on a shared endpoint runs on that endpoint's scheduler: leave {nameof(Scheduler)} out.");
            case (null, not null) when Endpoint != new EndpointOptions():
                throw new ArgumentException($"A shared endpoint is bound already: leave {nameof(Endpoint)} out, and give {nameof(MeshEndpointOptions)} what it says.");
        }
    }
}

/// <summary>Whether a node checks its own certificate when it starts.</summary>
public enum OwnCertificateCheck
{
    /// <summary>A node whose certificate others would refuse does not start.</summary>
    Required,

    /// <summary>The node starts with whatever it has, and others refuse it: for showing and testing that they do.</summary>
    Skipped,
}
