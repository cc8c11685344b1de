using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Loop;

namespace Macula.Transport.Quic;

/// <summary>An endpoint on one UDP socket: the application's side of an <see cref="EndpointLoop"/>.</summary>
internal sealed class QuicEndpoint : TransportEndpoint
{
    private readonly EndpointServices _services;
    private readonly EndpointLoop _loop;
    private int _disposed;

    public QuicEndpoint(EndpointServices services)
    {
        _services = services;
        LocalEndPoint = services.Socket.LocalEndPoint;
        _loop = new EndpointLoop(services);
    }

    /// <inheritdoc/>
    public override IPEndPoint LocalEndPoint { get; }

    /// <inheritdoc/>
    public override EndpointCounters Counters => _services.Statistics.Read();

    /// <inheritdoc/>
    public override void Serve(TlsIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        _services.Identities.Serve(identity);
    }

    /// <inheritdoc/>
    public override void Withdraw(string serverName)
    {
        ArgumentNullException.ThrowIfNull(serverName);
        _services.Identities.Withdraw(serverName);
    }

    /// <inheritdoc/>
    public override async ValueTask<TransportConnection?> AcceptConnectionAsync(CancellationToken cancellationToken = default)
    {
        var taken = await _services.Accepted.TakeAsync(cancellationToken);
        return taken.HasItem && !_services.IsClosed ? taken.Item : null;
    }

    /// <inheritdoc/>
    public override ValueTask<TransportConnection> DialAsync(IPEndPoint remote, TlsIdentity identity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        ArgumentNullException.ThrowIfNull(identity);
        cancellationToken.ThrowIfCancellationRequested();
        if (remote.Port == 0 || !_services.Socket.TryEncode(remote, out var address))
        {
            throw new DialException(Wire.Errors.ErrorCode.Unreachable, $"An endpoint on {LocalEndPoint} cannot reach {remote}: another address family, or no port.");
        }

        var attempt = new DialAttempt(_services, address, _services.Tls.CredentialsFor(identity));
        return attempt.RunAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override bool TrySendRaw(ReadOnlySpan<byte> packet, IPEndPoint destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ValidateRawPacket(packet);
        return _services.Socket.TryEncode(destination, out var address) && _services.TrySendRaw(packet, in address);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<IPAddress> FindHostAddresses()
    {
        // An IPv6 any-address binds both families.
        return [.. NetworkInterface.GetAllNetworkInterfaces()
            .Where(static card => card.OperationalStatus == OperationalStatus.Up)
            .SelectMany(static card => card.GetIPProperties().UnicastAddresses)
            .Select(static unicast => unicast.Address)
            .Where(address => !address.IsIPv6LinkLocal && (LocalEndPoint.AddressFamily == AddressFamily.InterNetworkV6 || address.AddressFamily == AddressFamily.InterNetwork))
            .OrderBy(IPAddress.IsLoopback)];
    }

    /// <inheritdoc/>
    protected override async ValueTask<IReadOnlyList<IPAddress>> ResolveNameAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
            return addresses.Length > 0 ? addresses : throw new DialException(Wire.Errors.ErrorCode.Unreachable, $"{host} has no address.");
        }
        catch (SocketException exception)
        {
            throw new DialException(Wire.Errors.ErrorCode.Unreachable, $"{host} cannot be resolved ({exception.Message}).", exception);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _disposed, 1);
        await _loop.StopAsync();
    }
}
