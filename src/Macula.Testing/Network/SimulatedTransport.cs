using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Transport.Execution;

namespace Macula.Testing.Network;

/// <summary>The transport of one host.</summary>
internal sealed class SimulatedTransport(SimulatedHost host) : ITransport
{
    public ValueTask<TransportEndpoint> BindAsync(EndpointOptions options, MeshScheduler scheduler, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfOutOfRange();
        if (scheduler is not VirtualScheduler own || own.World != host.Network.World)
        {
            throw new ArgumentException("The scheduler must be of the world that the network is in.", nameof(scheduler));
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TransportEndpoint>(cancellationToken);
        }

        try
        {
            return ValueTask.FromResult<TransportEndpoint>(new SimulatedEndpoint(host, options, scheduler));
        }
        catch (BindException exception)
        {
            return ValueTask.FromException<TransportEndpoint>(exception);
        }
    }
}
