using System.Net;
using System.Net.Sockets;
using Macula.Identity.Realm;

namespace Macula.Cli.Nodes;

/// <summary>Turns host:port, as people write it, into an address to dial.</summary>
internal static class HostAddress
{
    /// <summary>Resolves a host; IPv4 addresses are taken first, since a node binds IPv4 unless told otherwise.</summary>
    /// <exception cref="CommandFailure">The text is no host:port, or nobody knows the host.</exception>
    public static async Task<IPEndPoint> ResolveAsync(string text, CancellationToken cancellationToken)
    {
        if (!BootstrapAddress.TryParse(text, out var address))
        {
            throw new CommandFailure(ExitCode.Usage, $"'{text}' is no address; write it as host:port, such as 127.0.0.1:9443.");
        }

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
