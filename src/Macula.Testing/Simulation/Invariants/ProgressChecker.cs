namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 8: once faults have stopped, calls to live providers succeed, events arrive, and who provides what is known everywhere.</summary>
public sealed class ProgressChecker : InvariantChecker
{
    /// <inheritdoc/>
    public override int Invariant => 8;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        if (observation is Observation.Missed missed)
        {
            Report(missed.At, missed.Node, missed.What);
        }
    }
}
