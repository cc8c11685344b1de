namespace Macula.Cli.Demo;

/// <summary>Shows a demonstration while it runs.</summary>
public interface IDemoView
{
    /// <summary>The processes are being started, which takes some seconds.</summary>
    void ShowStart();

    /// <summary>Everything is started.</summary>
    void ShowMesh(DemoMesh mesh);

    /// <summary>A step begins.</summary>
    void ShowBegin(int number, IDemoStep step);

    /// <summary>There is something to be seen at once; may be called from any thread.</summary>
    /// <param name="label">What it is about; empty for nothing.</param>
    /// <param name="text">What it is.</param>
    void ShowLine(string label, string text);

    /// <summary>A step has ended.</summary>
    void ShowEnd(StepResult result);

    /// <summary>Nothing came up, and no step was begun.</summary>
    void ShowNoStart(DemoException failure);

    /// <summary>Everything has ended.</summary>
    /// <param name="results">How the steps went.</param>
    /// <param name="elapsed">How long it all took.</param>
    void ShowSummary(IReadOnlyList<StepResult> results, TimeSpan elapsed);
}
