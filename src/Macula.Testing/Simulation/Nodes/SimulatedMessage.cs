using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>What the applications of a simulation send each other: enough to tell whose it is wherever it turns up.</summary>
/// <param name="Number">The number of the call or event.</param>
/// <param name="Realm">The realm in which it was made.</param>
/// <param name="Sender">Who sends it.</param>
/// <param name="MustSucceed">Whether a handler is to do without failing by chance.</param>
internal sealed record SimulatedMessage(long Number, string Realm, NodeId Sender, bool MustSucceed)
{
    public static SimulatedMessage Read(Payload payload)
    {
        var value = payload.ToValue();
        return NodeId.TryParse(value[2].AsString(), out var sender)
            ? new SimulatedMessage(value[0].AsInt64(), value[1].AsString(), sender, value[3].AsBoolean())
            : throw new MeshValueException("The sender is no node id.");
    }

    public Payload ToPayload() => Payload.FromValue(MeshValue.Array(Number, Realm, Sender.ToString(), MustSucceed));
}
