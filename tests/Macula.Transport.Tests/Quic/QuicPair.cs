using System.Net;
using Macula.Transport.Execution;
using Macula.Transport.Quic;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Tests.Quic;

/// <summary>Two QUIC endpoints on loopback, one of which serves.</summary>
internal sealed class QuicPair : IAsyncDisposable
{
    /// <summary>Longest that one of these tests may take: many times what the longest does, thousands of handshakes, on a busy machine.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource _deadline = new(Deadline);

    private QuicPair(TransportEndpoint server, TransportEndpoint client, TlsIdentity serverIdentity, TlsIdentity clientIdentity)
    {
        Server = server;
        Client = client;
        ServerIdentity = serverIdentity;
        ClientIdentity = clientIdentity;
    }

    public static MeshScheduler Scheduler { get; } = new ThreadPoolScheduler(TimeProvider.System);

    public TransportEndpoint Server { get; }

    public TransportEndpoint Client { get; }

    public TlsIdentity ServerIdentity { get; }

    public TlsIdentity ClientIdentity { get; }

    public CancellationToken Token => _deadline.Token;

    public static async Task<QuicPair> CreateAsync(EndpointOptions? server = null, EndpointOptions? client = null, ILoggerFactory? logs = null)
    {
        var transport = new QuicTransport(new QuicTransportOptions { LoggerFactory = logs });
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        var pair = new QuicPair(
            await transport.BindAsync((server ?? new EndpointOptions()) with { LocalEndPoint = loopback }, Scheduler),
            await transport.BindAsync((client ?? new EndpointOptions()) with { LocalEndPoint = loopback }, Scheduler),
            TestIdentities.Create(subject: "server"),
            TestIdentities.Create(subject: "client"));
        pair.Server.Serve(pair.ServerIdentity);
        return pair;
    }

    public async Task<(TransportConnection Dialled, TransportConnection Accepted)> ConnectAsync(IPEndPoint? via = null)
    {
        var dialling = Client.DialAsync(via ?? Server.LocalEndPoint, ClientIdentity, Token).AsTask();
        var accepted = await Server.AcceptConnectionAsync(Token);
        return (await dialling, accepted!);
    }

    public async ValueTask DisposeAsync()
    {
        // An endpoint that does not end fails the test that it belongs to, instead of stopping the run.
        await Client.DisposeAsync().AsTask().WaitAsync(Deadline);
        await Server.DisposeAsync().AsTask().WaitAsync(Deadline);
        _deadline.Dispose();
    }
}
