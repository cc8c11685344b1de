namespace Macula.Cli.Demo;

/// <summary>How a step went.</summary>
/// <param name="Number">Which one, from 1.</param>
/// <param name="Step">What was to be shown.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Figures">What was seen; empty when it failed.</param>
/// <param name="Failure">What went wrong; null when nothing did.</param>
public sealed record StepResult(int Number, IDemoStep Step, TimeSpan Elapsed, IReadOnlyList<StepFigure> Figures, DemoException? Failure)
{
    /// <summary>Whether what should happen did.</summary>
    public bool IsOk => Failure is null;
}
