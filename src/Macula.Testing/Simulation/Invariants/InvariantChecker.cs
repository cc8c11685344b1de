namespace Macula.Testing.Simulation.Invariants;

/// <summary>Watches one invariant over the observations of a run, in their order.</summary>
/// <remarks>It sees what the applications on the nodes see, and nothing of the nodes' inside.</remarks>
public abstract class InvariantChecker
{
    /// <summary>Most violations that are kept; the first ones say what is wrong, and a run that breaks everywhere must end all the same.</summary>
    public const int MaxViolations = 100;

    private readonly List<InvariantViolation> _violations = [];

    /// <summary>The number of the invariant: see docs/simulation.md.</summary>
    public abstract int Invariant { get; }

    /// <summary>What was found, at most <see cref="MaxViolations"/>.</summary>
    public IReadOnlyList<InvariantViolation> Violations => _violations;

    /// <summary>Takes the next observation; those that do not concern the invariant are ignored.</summary>
    public abstract void Handle(Observation observation);

    /// <summary>The run has ended: what should have happened by now and has not is a violation.</summary>
    /// <param name="at">When it ended.</param>
    public virtual void Finish(TimeSpan at)
    {
    }

    /// <summary>Keeps a violation.</summary>
    private protected void Report(TimeSpan at, string node, string sentence)
    {
        if (_violations.Count < MaxViolations)
        {
            _violations.Add(new InvariantViolation(Invariant, at, node, sentence));
        }
    }
}
