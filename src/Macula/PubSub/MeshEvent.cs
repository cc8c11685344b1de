using Macula.Identity.Certificates;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Time;

namespace Macula.PubSub;

/// <summary>An event as its subscriber gets it.</summary>
/// <param name="Topic">Under which it was published.</param>
/// <param name="Id">Its publisher, that node's epoch, and its number there: names this event among all of the realm.</param>
/// <param name="Publisher">The publisher, as its certificate proves it.</param>
/// <param name="Payload">What was published.</param>
/// <param name="PublishedAt">When, by the publisher's clock.</param>
public sealed record MeshEvent(TopicName Topic, EventId Id, NodeIdentity Publisher, Payload Payload, WallTime PublishedAt)
{
    /// <summary>The publisher's span as the W3C header <c>traceparent</c> has it, to follow it or to link to it; null for none. Comes from the publisher, and proves nothing.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The payload as a value.</summary>
    /// <exception cref="MeshValueException">The bytes are not what their content type says. Raw bytes become a binary.</exception>
    public MeshValue Value => Payload.ToValue();
}
