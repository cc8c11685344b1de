using Macula.Testing.Simulation;

namespace Macula.Simulation.Tests;

/// <summary>Whole meshes under faults, from fixed seeds and from fresh ones.</summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public void NoInvariantIsViolated(ulong seed)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var report = MeshSimulation.Run(new SimulationOptions { Seed = seed });
        output.WriteLine($"{report.TraceHash} {System.Diagnostics.Stopwatch.GetElapsedTime(began)} {report.Elapsed}");
        Assert.True(report.Violations.Count == 0, string.Join('\n', report.Violations));
    }
}
