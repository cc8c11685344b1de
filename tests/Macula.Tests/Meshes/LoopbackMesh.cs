using System.Net;
using Macula.Identity.Keys;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Transport.Quic;
using Macula.Wire;

namespace Macula.Tests.Meshes;

/// <summary>Nodes in this process that reach each other over QUIC on loopback.</summary>
public sealed class LoopbackMesh : Mesh
{
    public override TimeProvider Time => TimeProvider.System;

    public override MeshScheduler Scheduler { get; } = new ThreadPoolScheduler(TimeProvider.System);

    protected override SignatureScheme Scheme => EcdsaP256Scheme.Instance;

    protected override RandomSource Random { get; } = new SystemRandomSource();

    public override ITransport NextTransport(out IPEndPoint address)
    {
        address = new IPEndPoint(IPAddress.Loopback, 0);
        return new QuicTransport(new QuicTransportOptions { LoggerFactory = Log });
    }
}
