using System.Buffers.Binary;
using System.Net;

namespace Macula.Wire.Identifiers;

/// <summary>From where an address can be reached. Flags, so that a policy can allow several.</summary>
[Flags]
public enum AddressScopes
{
    /// <summary>Nowhere: unspecified, multicast, broadcast, reserved or documentation addresses, and port 0.</summary>
    None = 0,

    /// <summary>The machine itself: 127.0.0.0/8, ::1.</summary>
    Loopback = 1,

    /// <summary>One link: 169.254.0.0/16, fe80::/10.</summary>
    Link = 2,

    /// <summary>One site: RFC 1918, RFC 6598 (100.64.0.0/10), fc00::/7.</summary>
    Private = 4,

    /// <summary>Everywhere.</summary>
    Global = 8,
}

/// <summary>An IP address and a UDP port at which a node may be dialled. It is a hint: who is there shows in the handshake.</summary>
/// <remarks>An IPv4 address that is mapped into IPv6 becomes the IPv4 address, so that one place has one form.</remarks>
public readonly record struct NodeAddress : IComparable<NodeAddress>
{
    /// <summary>Most bytes that an address takes: 16 and 2 for the port.</summary>
    public const int MaxBytes = 18;

    private const int Version4Bytes = 6;

    // ::ffff:0:0/96 (RFC 4291 §2.5.5.2): IPv4 addresses are kept in this form too.
    private static readonly UInt128 MappedPrefix = new(0, 0x0000_ffff_0000_0000);

    private readonly UInt128 _host;

    private NodeAddress(UInt128 host, ushort port)
    {
        _host = host;
        Port = port;
    }

    /// <summary>The UDP port.</summary>
    public ushort Port { get; }

    /// <summary>From where the address can be reached; none for what cannot be dialled.</summary>
    public AddressScopes Scope => Port == 0 ? AddressScopes.None : IsVersion4 ? ScopeOf((uint)_host) : ScopeOf(_host);

    private bool IsVersion4 => (_host >> 32) == (MappedPrefix >> 32);

    /// <summary>Takes an end point of the platform; a scope id (as in fe80::1%2) means nothing elsewhere and is left out.</summary>
    public static NodeAddress From(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Span<byte> bytes = stackalloc byte[16];
        endPoint.Address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new NodeAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes), (ushort)endPoint.Port);
    }

    /// <summary>Reads an address as it stands on the wire: 4 or 16 bytes and 2 of the port, most significant first.</summary>
    /// <returns>False for another length, and for an IPv4 address in the long form.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out NodeAddress address)
    {
        address = default;
        if (bytes.Length is not (Version4Bytes or MaxBytes))
        {
            return false;
        }

        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[^2..]);
        address = bytes.Length == Version4Bytes
            ? new NodeAddress(MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(bytes), port)
            : new NodeAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes), port);
        return bytes.Length == address.WireBytes;
    }

    /// <summary>Bytes on the wire: 6 or 18.</summary>
    public int WireBytes => IsVersion4 ? Version4Bytes : MaxBytes;

    /// <summary>Writes <see cref="WireBytes"/> bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is room for fewer.</exception>
    public void CopyTo(Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, WireBytes);
        if (IsVersion4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_host);
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(destination, _host);
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination[(WireBytes - 2)..], Port);
    }

    /// <summary>The same as an end point of the platform, to dial.</summary>
    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[MaxBytes];
        CopyTo(bytes);
        return new IPEndPoint(new IPAddress(bytes[..(WireBytes - 2)]), Port);
    }

    /// <summary>Numeric order of host and port.</summary>
    public int CompareTo(NodeAddress other)
    {
        var order = _host.CompareTo(other._host);
        return order != 0 ? order : Port.CompareTo(other.Port);
    }

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => (int)(uint)(_host >> 96) ^ (int)(uint)_host ^ (Port << 16);

    /// <summary>Such as 192.0.2.1:9443 or [2001:db8::1]:9443.</summary>
    public override string ToString() => ToEndPoint().ToString();

    /// <summary>Numeric order.</summary>
    public static bool operator <(NodeAddress left, NodeAddress right) => left.CompareTo(right) < 0;

    /// <summary>Numeric order.</summary>
    public static bool operator >(NodeAddress left, NodeAddress right) => left.CompareTo(right) > 0;

    /// <summary>Numeric order.</summary>
    public static bool operator <=(NodeAddress left, NodeAddress right) => left.CompareTo(right) <= 0;

    /// <summary>Numeric order.</summary>
    public static bool operator >=(NodeAddress left, NodeAddress right) => left.CompareTo(right) >= 0;

    // The IANA registry of special-purpose IPv4 addresses (RFC 6890), as far as a node might be sent there.
    private static AddressScopes ScopeOf(uint host) => host switch
    {
        <= 0x00ff_ffff => AddressScopes.None,
        >= 0x7f00_0000 and <= 0x7fff_ffff => AddressScopes.Loopback,
        >= 0xa9fe_0000 and <= 0xa9fe_ffff => AddressScopes.Link,
        >= 0x0a00_0000 and <= 0x0aff_ffff => AddressScopes.Private,
        >= 0xac10_0000 and <= 0xac1f_ffff => AddressScopes.Private,
        >= 0xc0a8_0000 and <= 0xc0a8_ffff => AddressScopes.Private,
        >= 0x6440_0000 and <= 0x647f_ffff => AddressScopes.Private,
        // 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24: documentation (RFC 5737).
        >= 0xc000_0200 and <= 0xc000_02ff => AddressScopes.None,
        >= 0xc633_6400 and <= 0xc633_64ff => AddressScopes.None,
        >= 0xcb00_7100 and <= 0xcb00_71ff => AddressScopes.None,
        // 224.0.0.0/4 multicast, 240.0.0.0/4 reserved, the broadcast address among them.
        >= 0xe000_0000 => AddressScopes.None,
        _ => AddressScopes.Global,
    };

    // RFC 4291 §2.4; of what is not special only 2000::/3 is assigned.
    private static AddressScopes ScopeOf(UInt128 host)
    {
        var first = (ushort)(host >> 112);
        return host == UInt128.One ? AddressScopes.Loopback
            : (first & 0xffc0) == 0xfe80 ? AddressScopes.Link
            : (first & 0xfe00) == 0xfc00 ? AddressScopes.Private
            // 2001:db8::/32: documentation (RFC 3849).
            : (uint)(host >> 96) == 0x2001_0db8 ? AddressScopes.None
            : (first & 0xe000) == 0x2000 ? AddressScopes.Global
            : AddressScopes.None;
    }
}
