using System.Collections.Immutable;
using Macula.Dht;
using Macula.Identity.Realm;

namespace Macula.Tests.Dht;

/// <summary>Options of nodes in the DHT, for tests.</summary>
internal static class DhtMember
{
    /// <summary>A node in server mode that asks these first.</summary>
    public static Func<MaculaPeerOptions, MaculaPeerOptions> Server(params IEnumerable<MaculaPeer> bootstraps) => In(DhtMode.Server, bootstraps);

    /// <summary>A node in client mode that asks these first.</summary>
    public static Func<MaculaPeerOptions, MaculaPeerOptions> Client(params IEnumerable<MaculaPeer> bootstraps) => In(DhtMode.Client, bootstraps);

    /// <summary>Other options of the DHT, on top of those before.</summary>
    public static Func<MaculaPeerOptions, MaculaPeerOptions> With(this Func<MaculaPeerOptions, MaculaPeerOptions> before, Func<DhtOptions, DhtOptions> change) =>
        options => before(options) is var changed ? changed with { Dht = change(changed.Dht) } : options;

    private static Func<MaculaPeerOptions, MaculaPeerOptions> In(DhtMode mode, IEnumerable<MaculaPeer> bootstraps)
    {
        ImmutableArray<BootstrapAddress> addresses = [.. bootstraps.Select(peer => BootstrapAddress.Parse(peer.LocalEndPoint.ToString()))];
        return options => options with { Dht = options.Dht with { Mode = mode, Bootstraps = addresses } };
    }
}
