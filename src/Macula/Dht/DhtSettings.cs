using System.Collections.Immutable;
using System.Net;
using Macula.Identity.Realm;
using Macula.Protocols.Kademlia;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>What a node's options come to, once its address is bound.</summary>
/// <param name="Mode">Server or client.</param>
/// <param name="Addresses">Where this node can be dialled; empty when nobody can say.</param>
/// <param name="Bootstraps">Whom to ask first.</param>
/// <param name="Dialable">Which addresses that others name may be dialled.</param>
/// <param name="Options">The rest.</param>
internal sealed record DhtSettings(
    DhtMode Mode, ImmutableArray<NodeAddress> Addresses, ImmutableArray<BootstrapAddress> Bootstraps, AddressPolicy Dialable, DhtOptions Options)
{
    /// <summary>What this node names of itself in its requests: nothing in client mode ([KAD-1]).</summary>
    public ImmutableArray<NodeAddress> NamedAddresses => Mode == DhtMode.Server ? Addresses : [];

    /// <summary>Resolves the options of a node.</summary>
    /// <param name="options">What the application wants.</param>
    /// <param name="realm">Whose bootstraps count unless the options name others.</param>
    /// <param name="candidates">Where the node may be reached as far as its endpoint can tell, the preferred address first.</param>
    /// <exception cref="MaculaException">A node in server mode has no address that others could dial.</exception>
    public static DhtSettings Resolve(DhtOptions options, RealmFile realm, IReadOnlyList<IPEndPoint> candidates)
    {
        ImmutableArray<NodeAddress> addresses = !options.Addresses.IsEmpty
            ? options.Addresses
            : Choose([.. candidates.Select(NodeAddress.From).Where(static address => address.Scope != AddressScopes.None)]);
        if (options.Mode == DhtMode.Server && addresses.IsEmpty)
        {
            throw new MaculaException(
                ErrorCode.InvalidArgument, $"A node in server mode must be dialled by others, and this machine has no address for that: name some in {nameof(DhtOptions)}.{nameof(DhtOptions.Addresses)}.");
        }

        var bootstraps = options.Bootstraps ?? [.. realm.Bootstraps];
        var dialable = options.Dialable ?? new AddressPolicy(AddressPolicy.Default.Allowed | ScopesOf(addresses) | ScopesOf(bootstraps));
        return new DhtSettings(options.Mode, addresses, bootstraps, dialable, options);
    }

    // Loopback leads nowhere from elsewhere: it is named by a machine that has nothing else.
    private static ImmutableArray<NodeAddress> Choose(ImmutableArray<NodeAddress> candidates) =>
        [.. candidates.Where(address => address.Scope != AddressScopes.Loopback || candidates.All(static other => other.Scope == AddressScopes.Loopback)).Take(Contact.MaxAddresses)];

    // Who is on the loopback itself, or was told to begin there, can be led nowhere that it would not go by itself.
    private static AddressScopes ScopesOf(IEnumerable<NodeAddress> addresses) =>
        addresses.Aggregate(AddressScopes.None, static (scopes, address) => scopes | address.Scope);

    private static AddressScopes ScopesOf(IEnumerable<BootstrapAddress> bootstraps) => ScopesOf(
        from bootstrap in bootstraps
        let address = IPAddress.TryParse(bootstrap.Host, out var literal) ? literal
            : bootstrap.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback : null
        where address is not null
        select NodeAddress.From(new IPEndPoint(address, bootstrap.Port)));
}
