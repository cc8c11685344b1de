using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Macula.Transport.Execution;
using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Tls;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Macula.Transport.Quic;

/// <summary>Endpoints that speak QUIC (RFC 9000) over UDP, by ngtcp2 and GnuTLS.</summary>
/// <remarks>
/// Needs Linux on x64 or arm64 and the packages libngtcp2-16 and libngtcp2-crypto-gnutls8. One endpoint costs one thread, one socket
/// and about 200 KiB; a connection about 40 KiB.
/// </remarks>
public sealed class QuicTransport : ITransport
{
    private readonly ILogger _logger;
    private readonly byte[] _resetKey;

    /// <summary>Makes a transport.</summary>
    /// <param name="options">What differs from the defaults; null for none.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public QuicTransport(QuicTransportOptions? options = null)
    {
        options ??= new QuicTransportOptions();
        if (options.StatelessResetKey is { Length: not ConnectionlessReplies.KeyBytes })
        {
            throw new ArgumentException($"A stateless reset key has {ConnectionlessReplies.KeyBytes} bytes.", nameof(options));
        }

        _logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Macula.Transport.Quic");
        _resetKey = options.StatelessResetKey?.ToArray() ?? RandomNumberGenerator.GetBytes(ConnectionlessReplies.KeyBytes);
    }

    /// <inheritdoc/>
    public ValueTask<TransportEndpoint> BindAsync(EndpointOptions options, MeshScheduler scheduler, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(scheduler);
        cancellationToken.ThrowIfCancellationRequested();
        options.ThrowIfOutOfRange();
        LibraryCheck.Run();
        var socket = Bind(options.LocalEndPoint);
        var statistics = new EndpointStatistics();
        var batch = new PacketBatch(socket, statistics, _logger);
        var services = new EndpointServices
        {
            Options = options,
            Scheduler = scheduler,
            Logger = _logger,
            Socket = socket,
            Queue = new LoopQueue(_logger),
            Tls = new TlsContext(options.ApplicationProtocol),
            Replies = new ConnectionlessReplies(EndpointKey(socket.LocalEndPoint)),
            Refusals = new RefusalLog(_logger),
            Statistics = statistics,
            Batch = batch,
            Connections = new ConnectionTable(batch),
            Accepted = new Handoff<QuicConnection>(scheduler, options.AcceptBacklog),
        };
        _logger.EndpointBound(socket.LocalEndPoint, LibraryCheck.VersionText);
        return ValueTask.FromResult<TransportEndpoint>(new QuicEndpoint(services));
    }

    // RFC 9000 §21.11: were the key shared, one endpoint would give away the reset tokens of another's connections to whoever asks it
    // with their ids. The address and port keep it the same over a restart.
    private byte[] EndpointKey(IPEndPoint local) => HMACSHA256.HashData(_resetKey, Encoding.ASCII.GetBytes($"endpoint {local}"));

    private UdpSocket Bind(IPEndPoint local)
    {
        try
        {
            return new UdpSocket(local, _logger);
        }
        catch (SocketException exception)
        {
            throw new BindException($"This machine offers no UDP socket for {local}: {exception.Message}", exception);
        }
    }
}
