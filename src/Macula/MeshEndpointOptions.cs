using Macula.Transport;
using Macula.Transport.Execution;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula;

/// <summary>What a <see cref="MeshEndpoint"/> is bound with. Immutable.</summary>
public sealed record MeshEndpointOptions
{
    /// <summary>How packets travel: QUIC in production, a simulated network in tests.</summary>
    public required ITransport Transport { get; init; }

    /// <summary>The address to bind and the transport's limits, which all realms share. Default: any IPv4 address, a port that the system chooses.</summary>
    public EndpointOptions Endpoint { get; init; } = new();

    /// <summary>Where the endpoint's own log lines go; a node on it has its own. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Where the code of the endpoint and of every node on it runs, and their clock. Default null: the thread pool and the system's clock.</summary>
    public MeshScheduler? Scheduler { get; init; }
}
