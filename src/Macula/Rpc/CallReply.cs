using Macula.Connections;
using Macula.Identity.Certificates;
using Macula.Wire.Frames;
using Macula.Wire.MessagePack;

namespace Macula.Rpc;

/// <summary>What a call brought back, and from where.</summary>
/// <param name="Payload">The result as it came.</param>
/// <param name="Provider">The node that answered, as its certificate proves it; this node, when it provides the procedure itself ([RPC-18]).</param>
/// <param name="Path">The path that the call took; its carrier is <see cref="Transport.Carrier.Local"/> when this node answered.</param>
/// <param name="Elapsed">Time from the call to its result, everything included.</param>
public sealed record CallReply(Payload Payload, NodeIdentity Provider, PathReport Path, TimeSpan Elapsed)
{
    /// <summary>The result as a value.</summary>
    /// <exception cref="MeshValueException">The bytes are not what their content type says. Raw bytes become a binary.</exception>
    public MeshValue Value => Payload.ToValue();
}
