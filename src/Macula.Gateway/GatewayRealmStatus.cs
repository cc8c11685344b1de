using Macula.Identity.Certificates;
using Macula.Wire.Errors;

namespace Macula.Gateway;

/// <summary>How a realm of a gateway stands, read from its node at the moment of asking.</summary>
/// <param name="Node">Who the gateway is in the realm.</param>
public abstract record GatewayRealmStatus(NodeIdentity Node)
{
    /// <summary>The gateway serves the realm.</summary>
    /// <inheritdoc/>
    public sealed record Running(NodeIdentity Node) : GatewayRealmStatus(Node);

    /// <summary>The gateway serves the realm no more; to others it looks as if it never had.</summary>
    /// <param name="Node">Who the gateway was in the realm.</param>
    /// <param name="Reason">Why, for people.</param>
    /// <param name="Fault">The bug that ended it; null when the gateway was told to stop.</param>
    public sealed record Ended(NodeIdentity Node, string Reason, MaculaException? Fault) : GatewayRealmStatus(Node);
}
