using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Native;
using Macula.Wire;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic.Loop;

/// <summary>The endpoint's one socket, bound and set up for batches.</summary>
internal sealed unsafe class UdpSocket : IDisposable
{
    // What the kernel holds for a loop that is busy elsewhere: some 30 ms at 1 Gbit/s. The kernel caps it at net.core.rmem_max.
    private const int KernelBufferBytes = 4 << 20;

    private readonly Socket _socket;

    /// <summary>Binds the address.</summary>
    /// <exception cref="BindException">It is taken, or not of this machine.</exception>
    public UdpSocket(IPEndPoint local, ILogger logger)
    {
        _socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (local.AddressFamily == AddressFamily.InterNetworkV6)
            {
                _socket.DualMode = local.Address.Equals(IPAddress.IPv6Any);
            }

            _socket.ReceiveBufferSize = KernelBufferBytes;
            _socket.SendBufferSize = KernelBufferBytes;
            _socket.Bind(local);
        }
        catch (SocketException exception)
        {
            _socket.Dispose();
            throw new BindException(Explain(local, exception), exception);
        }

        Descriptor = (int)_socket.Handle;
        LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
        var encoded = NativeAddress.TryCreate(LocalEndPoint, _socket.AddressFamily, out var address);
        Invariant.Hold(encoded, "a bound socket has an address of its own family.");
        LocalAddress = address;
        ForbidFragments(logger);
        HasReceiveOffload = TrySet(Libc.SolUdp, Libc.UdpGro, 1, "UDP_GRO", logger);
    }

    /// <summary>The address that is bound.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The same in the system's layout.</summary>
    public NativeAddress LocalAddress { get; }

    /// <summary>Whether the kernel may hand over several packets of one sender as one.</summary>
    public bool HasReceiveOffload { get; }

    /// <summary>The socket's file descriptor, valid until it is disposed.</summary>
    public int Descriptor { get; }

    /// <summary>Takes an address that this socket can reach.</summary>
    public bool TryEncode(IPEndPoint endPoint, out NativeAddress address) => NativeAddress.TryCreate(endPoint, _socket.AddressFamily, out address);

    /// <summary>Sends one packet, now or not at all. From any thread, as long as the socket is not disposed of.</summary>
    public bool TrySend(ReadOnlySpan<byte> packet, in NativeAddress destination)
    {
        var target = destination;
        fixed (byte* bytes = packet)
        {
            var vector = new IoVector { Start = bytes, Length = (nuint)packet.Length };
            var message = new MessageHeader { Name = &target, NameLength = target.Length, Vectors = &vector, VectorCount = 1 };
            return Libc.SendMessage(Descriptor, &message, Libc.MessageDontWait) >= 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static string Explain(IPEndPoint local, SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"UDP port {local.Port} on {local.Address} is in use by another program; choose another port, or 0 for any.",
        SocketError.AddressNotAvailable => $"{local.Address} is not an address of this machine; bind one that is, or any address.",
        SocketError.AccessDenied => $"UDP port {local.Port} may not be bound by this user; choose a port of 1024 or above.",
        _ => $"UDP address {local} cannot be bound: {exception.Message}",
    };

    // RFC 9000 §14: QUIC packets are never fragmented. "Probe" has the kernel not believe ICMP about the path's MTU, which anybody can forge.
    private void ForbidFragments(ILogger logger)
    {
        if (_socket.AddressFamily == AddressFamily.InterNetwork || _socket.DualMode)
        {
            TrySet(Libc.IpProtocolIp, Libc.IpMtuDiscover, Libc.PmtuProbe, "IP_MTU_DISCOVER", logger);
        }

        if (_socket.AddressFamily == AddressFamily.InterNetworkV6)
        {
            TrySet(Libc.IpProtocolIpv6, Libc.Ipv6MtuDiscover, Libc.PmtuProbe, "IPV6_MTU_DISCOVER", logger);
        }
    }

    private bool TrySet(int level, int option, int value, string name, ILogger logger)
    {
        if (Libc.SetOption(Descriptor, level, option, &value, sizeof(int)) == 0)
        {
            return true;
        }

        logger.FeatureMissing(name, Marshal.GetLastPInvokeError());
        return false;
    }
}
