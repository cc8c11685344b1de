using System.Globalization;
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
    // What a failing handler says before the number of its call.
    private const string FailurePrefix = "The handler fails on call ";

    /// <summary>What a handler throws that fails.</summary>
    public MeshValueException ToFailure() => new(string.Create(CultureInfo.InvariantCulture, $"{FailurePrefix}{Number}"));

    /// <summary>The number of the call on which a handler has failed; null when this was not said by a handler.</summary>
    public static long? NumberOfFailure(string message) =>
        message.StartsWith(FailurePrefix, StringComparison.Ordinal) && long.TryParse(message.AsSpan(FailurePrefix.Length), CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Reads what an application was given; null, and something that broke, when no application has sent it.</summary>
    public static SimulatedMessage? Read(Payload payload, SimulatedNode reader)
    {
        try
        {
            return Read(payload);
        }
        catch (MeshValueException exception)
        {
            reader.History.Add(new Observation.Broke(reader.History.Now, reader.Name, $"It was given a payload that no application has sent: {exception.Message}"));
            return null;
        }
    }

    private static SimulatedMessage Read(Payload payload)
    {
        var value = payload.ToValue();
        return NodeId.TryParse(value[2].AsString(), out var sender)
            ? new SimulatedMessage(value[0].AsInt64(), value[1].AsString(), sender, value[3].AsBoolean())
            : throw new MeshValueException("The sender is no node id.");
    }

    public Payload ToPayload() => Payload.FromValue(MeshValue.Array(Number, Realm, Sender.ToString(), MustSucceed));
}
