using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Macula.Transport.Quic.Native;

/// <summary>An IPv4 or IPv6 address with its port, in the layout of the system (struct sockaddr_in, struct sockaddr_in6).</summary>
// IPv4: u16 family | u16 port (big endian) | u32 address | 8 zero bytes
// IPv6: u16 family | u16 port (big endian) | u32 flow | 16 bytes address | u32 scope
[StructLayout(LayoutKind.Sequential, Pack = 4, Size = MaxBytes)]
internal struct NativeAddress : IEquatable<NativeAddress>
{
    public const int MaxBytes = 28;

    private const ushort FamilyIpv4 = 2;
    private const ushort FamilyIpv6 = 10;
    private const uint Ipv4Bytes = 16;

    private ushort _family;
    private ushort _port;
    private uint _ipv4OrFlow;
    private ulong _ipv6First;
    private ulong _ipv6Last;
    private uint _scope;

    /// <summary>How many bytes the system needs to see.</summary>
    public readonly uint Length => _family == FamilyIpv6 ? MaxBytes : Ipv4Bytes;

    /// <summary>Takes an address for a socket of a family; IPv4 on an IPv6 socket becomes a mapped address (RFC 4291 §2.5.5.2).</summary>
    /// <returns>False when a socket of that family does not reach it.</returns>
    public static bool TryCreate(IPEndPoint endPoint, AddressFamily socketFamily, out NativeAddress address)
    {
        address = default;
        address._port = BinaryPrimitives.ReverseEndianness((ushort)endPoint.Port);
        var ip = endPoint.Address;
        if (socketFamily == AddressFamily.InterNetwork)
        {
            ip = ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
            if (ip.AddressFamily != AddressFamily.InterNetwork)
            {
                return false;
            }

            address._family = FamilyIpv4;
            return ip.TryWriteBytes(MemoryMarshal.AsBytes(new Span<uint>(ref address._ipv4OrFlow)), out _);
        }

        address._scope = ip.AddressFamily == AddressFamily.InterNetworkV6 ? (uint)ip.ScopeId : 0;
        ip = ip.AddressFamily == AddressFamily.InterNetwork ? ip.MapToIPv6() : ip;
        address._family = FamilyIpv6;
        Span<byte> bytes = stackalloc byte[16];
        ip.TryWriteBytes(bytes, out _);
        address._ipv6First = MemoryMarshal.Read<ulong>(bytes);
        address._ipv6Last = MemoryMarshal.Read<ulong>(bytes[8..]);
        return true;
    }

    /// <summary>The address as .NET names it; a mapped IPv4 address becomes that IPv4 address.</summary>
    public readonly IPEndPoint ToEndPoint()
    {
        var port = BinaryPrimitives.ReverseEndianness(_port);
        if (_family == FamilyIpv4)
        {
            return new IPEndPoint(new IPAddress(_ipv4OrFlow), port);
        }

        Span<byte> bytes = stackalloc byte[16];
        MemoryMarshal.Write(bytes, in _ipv6First);
        MemoryMarshal.Write(bytes[8..], in _ipv6Last);
        var address = new IPAddress(bytes, _scope);
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
    }

    /// <summary>Clears what the system left of an earlier, longer address, so that equal addresses are equal.</summary>
    public void Normalise()
    {
        if (_family == FamilyIpv4)
        {
            _ipv6First = 0;
            _ipv6Last = 0;
            _scope = 0;
        }
        else
        {
            // The flow label is no part of where a packet goes.
            _ipv4OrFlow = 0;
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Equals(NativeAddress other) =>
        _family == other._family && _port == other._port && _ipv4OrFlow == other._ipv4OrFlow
        && _ipv6First == other._ipv6First && _ipv6Last == other._ipv6Last && _scope == other._scope;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is NativeAddress other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(_family, _port, _ipv4OrFlow, _ipv6First, _ipv6Last, _scope);
}
