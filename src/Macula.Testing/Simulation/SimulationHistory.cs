using System.Text;
using Macula.Testing.Simulation.Invariants;
using Macula.Testing.VirtualTime;
using Macula.Wire.Time;

namespace Macula.Testing.Simulation;

/// <summary>Takes what is seen at the nodes of a run, in its order: counts it, adds it to the trace, and has every invariant checked.</summary>
internal sealed class SimulationHistory(VirtualWorld world)
{
    private readonly IReadOnlyList<InvariantChecker> _checkers =
    [
        new CallChecker(), new IsolationChecker(), new DeliveryChecker(), new OrderChecker(), new RecordChecker(), new ResourceChecker(), new ProgressChecker(), new ArrivalChecker(),
    ];

    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private long _lastNumber;

    public TimeSpan Now => world.Elapsed;

    /// <summary>The time of day by a clock that is right.</summary>
    public WallTime WallNow => WallTime.From(world.Time.GetUtcNow());

    public IReadOnlyDictionary<string, long> Counts => _counts;

    /// <summary>A number that nothing else in this run has.</summary>
    public long NextNumber() => ++_lastNumber;

    public void Add(Observation observation)
    {
        foreach (var checker in _checkers)
        {
            checker.Handle(observation);
        }

        // The trace holds what was delivered to applications beside what was delivered to hosts; what follows from that would cost time and add nothing.
        // Of what broke it holds only that it did: where an exception was thrown is written with paths of the machine, and with or without methods that
        // the compiler of the moment has inlined.
        if (observation is not (Observation.Sighted or Observation.IdentitySeen or Observation.Measured))
        {
            var traced = observation is Observation.Broke broke ? broke with { What = "" } : observation;
            world.Record(Encoding.UTF8.GetBytes(traced.ToString()));
        }

        Count(observation is Observation.CallEnded ended ? $"call {ended.Outcome}" : observation.GetType().Name);
    }

    public void Count(string what, long times = 1) => _counts[what] = _counts.GetValueOrDefault(what) + times;

    /// <summary>Ends the run, and returns all violations in the order of their time.</summary>
    public IReadOnlyList<InvariantViolation> Finish()
    {
        foreach (var checker in _checkers)
        {
            checker.Finish(Now);
        }

        return [.. _checkers.SelectMany(checker => checker.Violations).OrderBy(violation => violation.At)];
    }
}
