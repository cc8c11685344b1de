using System.Globalization;
using Macula.Cli.Output;

namespace Macula.Cli.Demo;

/// <summary>The demonstration for people: what is started, what each step sees, and a table at the end.</summary>
internal sealed class TextDemoView : IDemoView
{
    private const int ShownLogLines = 8;
    private const string Margin = "   ";
    private const int LabelGap = 2;

    /// <inheritdoc/>
    public void ShowStart() => Terminal.WriteLine(Terminal.Paint("Founding two realms, and starting a gateway and six peers…", Tone.Aside));

    /// <inheritdoc/>
    public void ShowMesh(DemoMesh mesh)
    {
        Terminal.WriteLine(Terminal.Paint($"{mesh.Nodes.Count} processes of this program, each with a certificate of its own:", Tone.Heading));
        Table rows = new("node", "realm", "process", "address", "node id");
        foreach (var node in mesh.Nodes)
        {
            rows.Add(node.Process.Name, node.Realm, node.Process.Id.ToString(CultureInfo.InvariantCulture), node.Address, node.NodeId);
        }

        rows.Write();
    }

    /// <inheritdoc/>
    public void ShowBegin(int number, IDemoStep step)
    {
        Terminal.WriteLine("");
        WriteLabelled(number.ToString(CultureInfo.InvariantCulture), step.Title, Tone.Heading);
    }

    /// <inheritdoc/>
    public void ShowLine(string label, string text) => WriteLabelled(label.Length == 0 ? " " : $"{Margin}{Terminal.Harmless(label)}", Terminal.Harmless(text), Tone.Aside);

    /// <inheritdoc/>
    public void ShowEnd(StepResult result)
    {
        var shown = result.Figures.Where(figure => figure.Label.Length > 0).ToArray();
        var width = shown.Length == 0 ? 0 : shown.Max(figure => figure.Label.Length);
        foreach (var figure in shown)
        {
            WriteLabelled(Margin + figure.Label.PadRight(width), Terminal.Harmless(figure.Text), Tone.Plain);
        }

        if (result.Failure is { } failure)
        {
            ShowFailure(failure);
        }
    }

    /// <inheritdoc/>
    public void ShowNoStart(DemoException failure) => ShowFailure(failure);

    /// <inheritdoc/>
    public void ShowSummary(IReadOnlyList<StepResult> results, TimeSpan elapsed)
    {
        Terminal.WriteLine("");
        Terminal.WriteLine(Terminal.Paint($"{Margin}{"step",-12} {"result",-10} {"time",8}", Tone.Aside));
        foreach (var (step, index) in Demonstration.Steps.Select((step, index) => (step, index)))
        {
            var (word, tone, time) = results.ElementAtOrDefault(index) is not { } result ? ("not taken", Tone.Aside, "")
                : (result.IsOk ? "ok" : "failed", result.IsOk ? Tone.Good : Tone.Bad, Seconds(result.Elapsed));
            Terminal.WriteLine($"{index + 1}  {step.Name,-12} {Terminal.Paint(word.PadRight(10), tone)} {time,8}");
        }

        var isOk = results.Count == Demonstration.Steps.Count && results.All(result => result.IsOk);
        Terminal.WriteLine($"   {"all",-12} {Terminal.Paint((isOk ? "ok" : "failed").PadRight(10), isOk ? Tone.Good : Tone.Bad)} {Seconds(elapsed),8}");
    }

    // A text that does not fit beside its label goes on below its own beginning.
    private static void WriteLabelled(string label, string text, Tone tone)
    {
        var lines = Paragraph.Wrap(text, label.Length + LabelGap, Terminal.Width).ToArray();
        Terminal.WriteLine(Terminal.Paint(label + lines[0][label.Length..], tone));
        foreach (var line in lines[1..])
        {
            Terminal.WriteLine(Terminal.Paint(line, tone));
        }
    }

    private static void ShowFailure(DemoException failure)
    {
        WriteLabelled($"{Margin}failed:", Terminal.Harmless(failure.Message), Tone.Bad);
        if (failure.Process is { LastLines: { Count: > 0 } lines } process)
        {
            Terminal.WriteLine($"   The last lines of '{process.Name}':");
            foreach (var line in lines.TakeLast(ShownLogLines))
            {
                Terminal.WriteLine(Terminal.Paint($"     {Terminal.Harmless(line)}", Tone.Aside));
            }
        }
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
