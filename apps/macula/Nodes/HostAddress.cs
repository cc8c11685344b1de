using System.Net;
using System.Net.Sockets;
using Macula.Cli.Commands;
using Macula.Identity.Realm;

namespace Macula.Cli.Nodes;

/// <summary>Turns host:port, as people write it, into an address to dial.</summary>
internal static class HostAddress
{
    /// <summary>Whether an address is of one machine: not of any, a group or all.</summary>
    public static bool IsOneHost(IPAddress address) => !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !IsOfMany(address);

    /// <summary>Whether an address is of several machines, a group or all.</summary>
    public static bool IsOfMany(IPAddress address) =>
        address.IsIPv6Multicast || address.Equals(IPAddress.Broadcast)
        || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] is >= FirstMulticast and <= LastMulticast);

    // RFC 5771 §3: 224.0.0.0/4 are groups.
    private const byte FirstMulticast = 224;
    private const byte LastMulticast = 239;

    /// <summary>Reads host:port, where the host is one that could be dialled. Nothing is looked up.</summary>
    /// <exception cref="CommandFailure">The text is no host:port, or an IP address of no machine or of several.</exception>
    public static BootstrapAddress Parse(string text) =>
        !BootstrapAddress.TryParse(text, out var address)
            ? throw new CommandFailure(ExitCode.Usage, $"{Word.Quote(text)} is no address; write it as host:port, such as 127.0.0.1:9443, [2001:db8::7]:9443 or mesh.example.org:9443.")
        : IPAddress.TryParse(address.Host, out var ip) && !IsOneHost(ip)
            ? throw new CommandFailure(ExitCode.Usage, $"{Word.Quote(text)} cannot be dialled: it is no address of one machine.")
        : address;

    /// <summary>Resolves a host; IPv4 addresses are taken first, since a node binds IPv4 unless told otherwise.</summary>
    /// <exception cref="CommandFailure">The text is no host:port that could be dialled, or nobody knows the host.</exception>
    public static async Task<IPEndPoint> ResolveAsync(string text, CancellationToken cancellationToken)
    {
        var address = Parse(text);
        try
        {
            var known = await Dns.GetHostAddressesAsync(address.Host, cancellationToken);
            if (known.OrderBy(ip => ip.AddressFamily == AddressFamily.InterNetwork ? 0 : 1).FirstOrDefault() is { } ip)
            {
                return new IPEndPoint(ip, address.Port);
            }
        }
        catch (SocketException exception)
        {
            throw new CommandFailure(ExitCode.Unreachable, $"The host {address.Host} is unknown ({exception.Message}).");
        }

        throw new CommandFailure(ExitCode.Unreachable, $"The host {address.Host} has no address.");
    }
}
