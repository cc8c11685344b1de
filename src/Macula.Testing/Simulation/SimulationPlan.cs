namespace Macula.Testing.Simulation;

/// <summary>Where in its course a simulation is, and what belongs to that.</summary>
internal enum SimulationPhase
{
    /// <summary>Things go wrong, and applications do whatever they like.</summary>
    Faults,

    /// <summary>Nothing goes wrong any more; applications call, and provide what they provide.</summary>
    Recovery,

    /// <summary>It is looked whether what is due happens; applications do nothing of their own.</summary>
    Check,
}

/// <summary>What the parts of a running simulation share.</summary>
internal sealed class SimulationPlan(SimulationOptions options)
{
    public SimulationOptions Options => options;

    public SimulationPhase Phase { get; set; }
}
