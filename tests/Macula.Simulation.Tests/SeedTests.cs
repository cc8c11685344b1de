using Macula.Testing.Simulation;

namespace Macula.Simulation.Tests;

/// <summary>Whole meshes under faults, from fixed seeds and from fresh ones.</summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void NoInvariantIsViolated(ulong seed)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var report = MeshSimulation.Run(new SimulationOptions { Seed = seed });
        output.WriteLine($"{report.TraceHash} {System.Diagnostics.Stopwatch.GetElapsedTime(began)} {report.Elapsed}");
        foreach (var (what, count) in report.Counts)
        {
            output.WriteLine($"{what} {count}");
        }

        Assert.Empty(report.Violations);
    }
}
