using System.Net;
using System.Net.Sockets;

namespace Macula.Transport.Tests.Quic;

/// <summary>A path between a client and a server: passes packets on, loses some, or all.</summary>
internal sealed class UdpForwarder : IAsyncDisposable
{
    private readonly Socket _clientSide = Bind();
    private readonly Socket _serverSide = Bind();
    private readonly IPEndPoint _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _upward;
    private readonly Task _downward;
    private readonly Random _dice;
    private readonly Lock _gate = new();
    private EndPoint? _client;
    private long _passed;

    public UdpForwarder(IPEndPoint server, int seed = 1)
    {
        _server = server;
        _dice = new Random(seed);
        _upward = PumpAsync(_clientSide, isUpward: true);
        _downward = PumpAsync(_serverSide, isUpward: false);
    }

    /// <summary>What a client dials.</summary>
    public IPEndPoint ClientSide => (IPEndPoint)_clientSide.LocalEndPoint!;

    /// <summary>What the server sees as its client.</summary>
    public IPEndPoint ServerSide => (IPEndPoint)_serverSide.LocalEndPoint!;

    /// <summary>Part of the packets that is lost, 0 to 1.</summary>
    public double Loss { get; set; }

    /// <summary>Passes nothing from client to server.</summary>
    public bool UpwardIsCut { get; set; }

    /// <summary>Passes nothing from server to client.</summary>
    public bool DownwardIsCut { get; set; }

    /// <summary>Sees each packet on its way up.</summary>
    public Action<byte[]>? Upward { get; set; }

    /// <summary>Sees each packet on its way down.</summary>
    public Action<byte[]>? Downward { get; set; }

    /// <summary>How many packets were passed on, both ways.</summary>
    public long Passed => Interlocked.Read(ref _passed);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_upward, _downward);
        _clientSide.Dispose();
        _serverSide.Dispose();
        _stop.Dispose();
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20, SendBufferSize = 4 << 20 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private async Task PumpAsync(Socket source, bool isUpward)
    {
        var buffer = new byte[65_536];
        try
        {
            while (true)
            {
                var received = await source.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (isUpward)
                {
                    _client = received.RemoteEndPoint;
                }

                var packet = buffer.AsSpan(0, received.ReceivedBytes).ToArray();
                (isUpward ? Upward : Downward)?.Invoke(packet);
                var target = isUpward ? _server : _client;
                if (target is null || (isUpward ? UpwardIsCut : DownwardIsCut) || IsLost())
                {
                    continue;
                }

                await (isUpward ? _serverSide : _clientSide).SendToAsync(packet, target, _stop.Token);
                Interlocked.Increment(ref _passed);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed of.
        }
    }

    private bool IsLost()
    {
        lock (_gate)
        {
            return Loss > 0 && _dice.NextDouble() < Loss;
        }
    }
}
