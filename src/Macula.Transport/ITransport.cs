using Macula.Transport.Execution;

namespace Macula.Transport;

/// <summary>A way to bind endpoints: QUIC on a UDP socket, or a simulated network.</summary>
public interface ITransport
{
    /// <summary>Binds an endpoint, which from then on accepts and dials through one local address.</summary>
    /// <param name="options">Where to bind, what to present, and the limits.</param>
    /// <param name="scheduler">Where those who await the endpoint's operations resume, and the endpoint's clock.</param>
    /// <param name="cancellationToken">Gives up; nothing stays bound.</param>
    /// <exception cref="BindException">The address is taken or not of this machine.</exception>
    /// <exception cref="TransportUnavailableException">The machine lacks what the transport needs.</exception>
    ValueTask<TransportEndpoint> BindAsync(EndpointOptions options, MeshScheduler scheduler, CancellationToken cancellationToken = default);
}
