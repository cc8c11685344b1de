using System.Diagnostics;
using System.Globalization;
using Macula.Cli.Output;
using Macula.Testing.Simulation;

namespace Macula.Cli.Simulations;

/// <summary>Simulations with seeds that follow each other.</summary>
/// <param name="FirstSeed">The seed of the first one, at least 0.</param>
/// <param name="Count">How many, 1 to 1,000,000.</param>
/// <param name="Nodes">Nodes in each, 4 to 1,000.</param>
/// <param name="Realms">Realms in each, 1 to 8.</param>
/// <param name="Seconds">Virtual seconds of each, 80 to 3,600.</param>
/// <param name="Faults">What goes wrong in them.</param>
internal sealed record SimulationSeries(long FirstSeed, int Count, int Nodes, int Realms, int Seconds, SimulationFaults Faults)
{
    /// <summary>Every kind of fault as it is written on the command line.</summary>
    public static string FaultNames { get; } = string.Join(", ", Enum.GetNames<SimulationFaults>().Select(name => name.ToLowerInvariant()));

    // What is worth reading of a run that breaks everywhere.
    private const int MaxViolationsShown = 20;

    /// <summary>Reads kinds of faults as they are written on the command line: names with commas between them, or <c>all</c> or <c>none</c>.</summary>
    /// <exception cref="CommandFailure">There is no such kind.</exception>
    public static SimulationFaults ReadFaults(string text)
    {
        var kinds = SimulationFaults.None;
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var name = Enum.GetNames<SimulationFaults>().FirstOrDefault(name => name.Equals(word, StringComparison.OrdinalIgnoreCase))
                ?? throw new CommandFailure(ExitCode.Usage, $"--faults takes {FaultNames}, with commas between them; \"{word}\" is none of these.");
            kinds |= Enum.Parse<SimulationFaults>(name);
        }

        return kinds;
    }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CommandFailure">A figure is out of range.</exception>
    public void Validate()
    {
        ThrowUnless(FirstSeed >= 0, "--seed takes 0 to 9223372036854775807.");
        ThrowUnless(Count is >= 1 and <= 1_000_000, "--seeds takes 1 to 1000000.");
        ThrowUnless(Nodes is >= 4 and <= 1000, "--nodes takes 4 to 1000.");
        ThrowUnless(Realms is >= 1 and <= 8 && Realms * 3 <= Nodes, "--realms takes 1 to 8, and at most one for every three nodes.");
        ThrowUnless(Seconds is >= 80 and <= 3600, "--seconds takes 80 to 3600.");

        static void ThrowUnless(bool holds, string message)
        {
            if (!holds)
            {
                throw new CommandFailure(ExitCode.Usage, message);
            }
        }
    }

    /// <summary>Makes the runs, as many at a time as there are processors, and prints each when it has ended.</summary>
    /// <returns>True when an invariant was violated in any of them.</returns>
    /// <exception cref="OperationCanceledException">The token fired; runs that had begun have been finished first.</exception>
    public bool Run(OutputForm form, CancellationToken cancellationToken)
    {
        var violated = false;
        var gate = new Lock();
        var began = Stopwatch.GetTimestamp();
        Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken }, number =>
        {
            var runBegan = Stopwatch.GetTimestamp();
            var report = MeshSimulation.Run(OptionsOf((ulong)FirstSeed + (ulong)number));
            lock (gate)
            {
                violated |= report.Violations.Count > 0;
                Print(report, Stopwatch.GetElapsedTime(runBegan), form);
            }
        });
        if (form == OutputForm.Text && Count > 1)
        {
            Terminal.WriteLine($"{Count} runs in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s, {(violated ? "with violations" : "no violation")}");
        }

        return violated;
    }

    private SimulationOptions OptionsOf(ulong seed) => new() { Seed = seed, Nodes = Nodes, Realms = Realms, Duration = TimeSpan.FromSeconds(Seconds), Faults = Faults };

    private void Print(SimulationReport report, TimeSpan wall, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            PrintJson(report, wall);
        }
        else
        {
            PrintText(report, wall);
        }
    }

    private static void PrintJson(SimulationReport report, TimeSpan wall) => JsonLine.Write(
        ("seed", (long)report.Seed),
        ("nodes", report.Nodes),
        ("trace", report.TraceHash),
        ("violations", report.Violations.Count),
        ("virtualSeconds", report.Elapsed.TotalSeconds),
        ("seconds", wall.TotalSeconds),
        ("counts", new[] { new JsonFields([.. report.Counts.Select(count => (count.Key, (object?)count.Value))]) }),
        ("found", report.Violations.Count == 0 ? null : report.Violations.Take(MaxViolationsShown).Select(violation => violation.ToString())),
        ("replay", report.Violations.Count == 0 ? null : report.ReplayCommand));

    private void PrintText(SimulationReport report, TimeSpan wall)
    {
        if (Count == 1)
        {
            PrintDetails(report);
        }

        var verdict = report.Violations.Count == 0 ? "no violation" : $"{report.Violations.Count} violations";
        Terminal.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {report.Seed}, {report.Nodes} nodes, {report.Elapsed.TotalSeconds:0} virtual seconds in {wall.TotalSeconds:0.0} s, trace {report.TraceHash}: {verdict}"));
        foreach (var violation in report.Violations.Take(MaxViolationsShown))
        {
            Terminal.WriteLine($"  {violation}");
        }

        if (report.Violations.Count > 0)
        {
            Terminal.WriteLine($"  replay: {report.ReplayCommand}");
        }
    }

    private static void PrintDetails(SimulationReport report) =>
        Terminal.WriteFields([.. report.Counts.Select(count => (count.Key, count.Value.ToString("N0", CultureInfo.InvariantCulture).PadLeft(9)))]);
}
