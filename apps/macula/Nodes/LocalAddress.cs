using System.Net;
using System.Net.Sockets;
using Macula.Identity.Realm;

namespace Macula.Cli.Nodes;

/// <summary>Addresses of this machine.</summary>
internal static class LocalAddress
{
    /// <summary>The address from which this machine's packets go to a realm's first bootstrap that it has a way to: where others of the realm may well reach it.</summary>
    /// <param name="bootstraps">The realm's bootstraps.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The address; any address, when there is a way to none of them.</returns>
    /// <remarks>Nothing is sent but what looking up the names takes.</remarks>
    public static async Task<IPAddress> FindTowardsAsync(IReadOnlyList<BootstrapAddress> bootstraps, CancellationToken cancellationToken)
    {
        foreach (var bootstrap in bootstraps)
        {
            try
            {
                var target = await HostAddress.ResolveAsync(bootstrap.ToString(), cancellationToken);

                // Connecting a datagram socket chooses the route and the source address, and sends nothing.
                using var probe = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
                probe.Connect(target);
                return ((IPEndPoint)probe.LocalEndPoint!).Address;
            }
            catch (Exception exception) when (exception is SocketException or CommandFailure)
            {
                // There may be a way to the next one; the node itself says which bootstraps it cannot reach.
            }
        }

        return IPAddress.Any;
    }
}
