namespace Macula.Testing.Simulation;

/// <summary>Something happened in a run that must never happen.</summary>
/// <param name="Invariant">Which invariant, by its number in docs/simulation.md.</param>
/// <param name="At">When, in virtual time since the start.</param>
/// <param name="Node">At which node; empty for the run as a whole.</param>
/// <param name="Sentence">What happened.</param>
public sealed record InvariantViolation(int Invariant, TimeSpan At, string Node, string Sentence)
{
    /// <summary>All of it in one line.</summary>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"invariant {Invariant} at {At.TotalSeconds:0.000} s{(Node.Length == 0 ? "" : $", {Node}")}: {Sentence}");
}
