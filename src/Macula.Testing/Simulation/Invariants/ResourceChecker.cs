namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 7: no table holds more than its cap, and nothing outlives its node.</summary>
public sealed class ResourceChecker : InvariantChecker
{
    /// <inheritdoc/>
    public override int Invariant => 7;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        switch (observation)
        {
            case Observation.Measured measured when measured.Count > measured.Cap:
                Report(measured.At, measured.Node, $"There are {measured.Count} {measured.Table}; the most is {measured.Cap}.");
                break;
            case Observation.Broke broke:
                Report(broke.At, broke.Node, broke.What);
                break;
        }
    }
}
