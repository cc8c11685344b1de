namespace Macula.Testing.Simulation;

/// <summary>What happened in a simulated mesh.</summary>
/// <param name="Seed">The seed that replays it, with the same options.</param>
/// <param name="Nodes">How many nodes there were.</param>
/// <param name="TraceHash">A hash over everything that was delivered, 32 hexadecimal digits: equal for runs that did the same.</param>
/// <param name="Elapsed">How long it took in virtual time, the stopping of the nodes included.</param>
/// <param name="Violations">What must not happen and did, in the order in which it was found; empty when all is well.</param>
/// <param name="Counts">How much of what happened, by name; those of calls that ended are called after their outcome.</param>
public sealed record SimulationReport(
    ulong Seed, int Nodes, string TraceHash, TimeSpan Elapsed, IReadOnlyList<InvariantViolation> Violations, IReadOnlyDictionary<string, long> Counts);
