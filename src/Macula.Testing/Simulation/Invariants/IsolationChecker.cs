namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 2: nothing of one realm is ever seen in another: no call, answer, event, record or contact.</summary>
public sealed class IsolationChecker : InvariantChecker
{
    /// <inheritdoc/>
    public override int Invariant => 2;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        if (observation is Observation.Sighted sighted && sighted.Realm != sighted.Origin)
        {
            Report(sighted.At, sighted.Node, $"A node of realm {sighted.Realm} saw {sighted.What} of realm {sighted.Origin}.");
        }
    }
}
