using Macula.Cli.Output;

namespace Macula.Cli.Demo;

/// <summary>One object for each step, and one at the end.</summary>
internal sealed class JsonDemoView : IDemoView
{
    /// <inheritdoc/>
    public void ShowStart()
    {
    }

    /// <inheritdoc/>
    public void ShowMesh(DemoMesh mesh)
    {
    }

    /// <inheritdoc/>
    public void ShowBegin(int number, IDemoStep step)
    {
    }

    /// <inheritdoc/>
    public void ShowLine(string label, string text)
    {
    }

    /// <inheritdoc/>
    public void ShowEnd(StepResult result) => JsonLine.Write(
        [
            ("step", result.Number), ("name", result.Step.Name), ("ok", result.IsOk), ("seconds", result.Elapsed.TotalSeconds),
            .. result.Figures.Select(figure => (figure.Name, (object?)figure.Value)),
            .. FieldsOf(result.Failure),
        ]);

    /// <inheritdoc/>
    public void ShowNoStart(DemoException failure) => JsonLine.Write([("step", 0), ("name", "start"), ("ok", false), .. FieldsOf(failure)]);

    /// <inheritdoc/>
    public void ShowSummary(IReadOnlyList<StepResult> results, TimeSpan elapsed) => JsonLine.Write(
        ("event", "summary"), ("ok", results.Count == Demonstration.Steps.Count && results.All(result => result.IsOk)), ("steps", Demonstration.Steps.Count),
        ("passed", results.Count(result => result.IsOk)), ("seconds", elapsed.TotalSeconds));

    private static IEnumerable<(string Name, object? Value)> FieldsOf(DemoException? failure) =>
        failure is null ? [] : [("error", failure.Message), ("process", failure.Process?.Name), ("lastLines", failure.Process?.LastLines)];
}
