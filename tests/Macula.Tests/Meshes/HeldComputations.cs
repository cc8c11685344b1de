using Macula.Transport;
using Macula.Transport.Execution;

namespace Macula.Tests.Meshes;

/// <summary>A scheduler on which computations, such as the verdict over a certificate, wait until they are let go of; everything else runs as on the one beneath.</summary>
public sealed class HeldComputations(MeshScheduler inner) : MeshScheduler
{
    private List<IThreadPoolWorkItem>? _held = [];

    public override TimeProvider Time => inner.Time;

    /// <summary>The transport for a node that runs here: it goes on beneath.</summary>
    public ITransport Beneath(ITransport transport) => new TransportBeneath(transport, inner);

    /// <summary>Has what waits computed, and whatever comes later at once.</summary>
    public void Release()
    {
        var held = _held ?? [];
        _held = null;
        held.ForEach(Forward);
    }

    protected override void Schedule(IThreadPoolWorkItem item)
    {
        if (_held is not null && item is not SerialQueue)
        {
            _held.Add(item);
        }
        else
        {
            Forward(item);
        }
    }

    private void Forward(IThreadPoolWorkItem item) => inner.CreateQueue().Post(static state => ((IThreadPoolWorkItem)state!).Execute(), item);

    private sealed class TransportBeneath(ITransport transport, MeshScheduler scheduler) : ITransport
    {
        public ValueTask<TransportEndpoint> BindAsync(EndpointOptions options, MeshScheduler above, CancellationToken cancellationToken = default) =>
            transport.BindAsync(options, scheduler, cancellationToken);
    }
}
