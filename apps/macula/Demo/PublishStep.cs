using System.Globalization;
using System.Text.Json;
using Macula.Cli.Nodes;

namespace Macula.Cli.Demo;

/// <summary>Two peers publish measurements each second, a third subscribes to both by one pattern.</summary>
public sealed class PublishStep : IDemoStep
{
    /// <summary>What is subscribed to.</summary>
    public const string Pattern = "sensor.*";

    /// <inheritdoc/>
    public string Name => "publish";

    /// <inheritdoc/>
    public string Title => "Measurements of this machine, published each second and seen by whoever subscribes";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StepFigure>> RunAsync(DemoMesh mesh, Action<string, string> show, CancellationToken cancellationToken)
    {
        var tally = new EventTally();
        var answer = await mesh.Viewer.SubscribeAsync(
            Pattern,
            happened =>
            {
                tally.Add(happened);
                show(LabelOf(happened), Describe(happened));
            },
            cancellationToken);
        if (Answers.ErrorOf(answer) is var (code, message))
        {
            throw new DemoException($"Subscribing to {Pattern} failed with {code}: {message}", mesh.Viewer.Process);
        }

        await Task.Delay(mesh.Watching, cancellationToken);
        await mesh.Viewer.UnsubscribeAsync(answer, cancellationToken);
        return
        [
            new("pattern", "subscribed to", Pattern, Pattern),
            Check(tally, "sensor.load", MachineMeasure.Load, mesh.Load, mesh.Watching),
            Check(tally, "sensor.memory", MachineMeasure.Memory, mesh.Memory, mesh.Watching),
        ];
    }

    private static StepFigure Check(EventTally tally, string topic, MachineMeasure measure, DemoProcess publisher, TimeSpan time)
    {
        // One a second, and the first second may be half over when the subscription is in force.
        var fewest = Math.Max(1, (int)time.TotalSeconds - 1);
        var (count, latest) = tally.Of(topic);
        if (count < fewest)
        {
            throw new DemoException(
                string.Create(CultureInfo.InvariantCulture, $"{count} events on {topic} came in {time.TotalSeconds} s; there should be at least {fewest}."), publisher.Process);
        }

        return Answers.TextOf(latest, "publisher") != publisher.NodeId ? throw new DemoException($"An event on {topic} should be of {publisher.NodeId}; it is {latest}.", publisher.Process)
            : !IsMeasured(latest.GetProperty("value"), measure) ? throw new DemoException($"An event on {topic} should bring what /proc says of this machine; it is {latest}.", publisher.Process)
            : new StepFigure(Answers.FieldOf(topic), topic, count, $"{count} events in {time.TotalSeconds:0} s from {publisher.Process.Name}, {publisher.NodeId}");
    }

    // The publishers run on this machine, and two figures stay what they were: how much memory it has, and, within one, its load in 15 minutes.
    private static bool IsMeasured(JsonElement value, MachineMeasure measure)
    {
        var (name, tolerance) = measure == MachineMeasure.Memory ? ("totalKiB", 0.0) : ("load15", 1.0);
        return value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var figure) && figure.ValueKind == JsonValueKind.Number
            && MachineMeasures.Take(measure).TryGet(name, out var here) && Math.Abs(figure.GetDouble() - here.AsDouble()) <= tolerance;
    }

    private static string LabelOf(JsonElement happened)
    {
        var time = DateTimeOffset.TryParse(Answers.TextOf(happened, "publishedAt"), CultureInfo.InvariantCulture, out var published)
            ? published.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)
            : "";
        return $"{time}  {Answers.TextOf(happened, "topic"),-13}";
    }

    private static string Describe(JsonElement happened) =>
        happened.TryGetProperty("value", out var value) && value.ValueKind == JsonValueKind.Object
            ? string.Join("  ", value.EnumerateObject().Select(field => $"{field.Name} {field.Value.GetRawText()}"))
            : Answers.TextOf(happened, "value");
}
