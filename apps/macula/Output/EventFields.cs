using System.Globalization;
using Macula.PubSub;
using Macula.Wire.Frames;

namespace Macula.Cli.Output;

/// <summary>An event as the fields of a JSON object.</summary>
internal static class EventFields
{
    /// <summary>Topic, value, publisher, time, and what names the event.</summary>
    /// <exception cref="CommandFailure">The value cannot be shown as JSON.</exception>
    public static (string Name, object? Value)[] Of(MeshEvent happened) =>
    [
        ("topic", happened.Topic),
        ("value", new RawJson(ResultText.Of(happened.Value, "An event came, but its value"))),
        ("publisher", happened.Publisher.NodeId),
        ("publisherName", happened.Publisher.Name),
        ("publishedAt", happened.PublishedAt.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture)),
        ("name", NameOf(happened.Id)),
    ];

    /// <summary>What names an event among all of its realm: its publisher, that node's epoch, and its number there.</summary>
    public static string NameOf(EventId id) => string.Create(CultureInfo.InvariantCulture, $"{id.Publisher}/{id.Epoch:x16}/{id.Sequence}");
}
