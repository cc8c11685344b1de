using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Protocols.Kademlia;

/// <summary>Which addresses that others name may be dialled, so that an answer cannot send packets where they have no business [KAD-4].</summary>
/// <param name="Allowed">The scopes that may be dialled. Addresses of no scope (multicast, broadcast, port 0) never are.</param>
public sealed record AddressPolicy(AddressScopes Allowed)
{
    /// <summary>Global and private addresses: a realm may live within one site.</summary>
    public static AddressPolicy Default { get; } = new(AddressScopes.Global | AddressScopes.Private);

    /// <summary>The contact with those of its addresses that may be dialled; null when none may.</summary>
    public Contact? Filter(Contact contact)
    {
        ArgumentNullException.ThrowIfNull(contact);
        var kept = contact.Addresses.RemoveAll(address => (address.Scope & Allowed) == AddressScopes.None);
        return kept.IsEmpty ? null : kept.Length == contact.Addresses.Length ? contact : new Contact(contact.Node, kept);
    }
}
