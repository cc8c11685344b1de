namespace Macula.Testing.Simulation;

/// <summary>What happened in a simulated mesh.</summary>
/// <param name="Options">What the mesh was like.</param>
/// <param name="TraceHash">A hash over everything that was sent and delivered, 32 hexadecimal digits: equal for runs that did the same.</param>
/// <param name="Elapsed">How long it took in virtual time, the stopping of the nodes included.</param>
/// <param name="Violations">What must not happen and did, in the order in which it was found; empty when all is well.</param>
/// <param name="Counts">How much of what happened, by name; those of calls that ended are called after their outcome.</param>
public sealed record SimulationReport(
    SimulationOptions Options, string TraceHash, TimeSpan Elapsed, IReadOnlyList<InvariantViolation> Violations, IReadOnlyDictionary<string, long> Counts)
{
    /// <summary>The seed that replays it, with the same options.</summary>
    public ulong Seed => Options.Seed;

    /// <summary>How many nodes there were.</summary>
    public int Nodes => Options.Nodes;

    /// <summary>The command that makes the same run again, to be given in the repository's root.</summary>
    /// <remarks>It says nothing of <see cref="SimulationOptions.Configure"/>: a run with one is replayed by the code that gave it.</remarks>
    public string ReplayCommand => Options.ToCommand();
}
