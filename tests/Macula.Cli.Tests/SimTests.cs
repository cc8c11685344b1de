using System.Text.Json;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary><c>macula sim</c>: the same seed does the same, in each process.</summary>
public sealed class SimTests
{
    [Fact]
    public async Task TwoProcessesGiveTheSameTraceForTheSameSeed()
    {
        var first = await RunAsync("--seed", "7");
        var second = await RunAsync("--seed", "7");
        var other = await RunAsync("--seed", "8");

        Assert.Equal(7, first.GetProperty("seed").GetInt64());
        Assert.Equal(8, first.GetProperty("nodes").GetInt32());
        Assert.Equal(first.GetProperty("violations").GetInt32(), second.GetProperty("violations").GetInt32());
        Assert.Matches("^[0-9a-f]{32}$", first.GetProperty("trace").GetString());
        Assert.Equal(first.GetProperty("trace").GetString(), second.GetProperty("trace").GetString());
        Assert.NotEqual(first.GetProperty("trace").GetString(), other.GetProperty("trace").GetString());
    }

    [Fact]
    public async Task ARunWithoutASeedSaysWhichItDrew()
    {
        var drawn = await RunAsync();

        var again = await RunAsync("--seed", drawn.GetProperty("seed").GetRawText());

        Assert.Equal(drawn.GetProperty("trace").GetString(), again.GetProperty("trace").GetString());
    }

    [Fact]
    public async Task FaultsAreChosenByTheirNames()
    {
        var quiet = await RunAsync("--seed", "7", "--faults", "none");
        var counts = quiet.GetProperty("counts")[0];
        Assert.DoesNotContain(counts.EnumerateObject(), count => count.Name.StartsWith("fault ", StringComparison.Ordinal));

        var wrong = (await MaculaProgram.RunAsync(Path.GetTempPath(), "sim", "--faults", "kills,meteorites")).Expect(2);
        Assert.Contains("meteorites", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASeriesPrintsALineForEachSeedAndASum()
    {
        var outcome = (await MaculaProgram.RunAsync(Path.GetTempPath(), "sim", "--seed", "20", "--seeds", "2", "--nodes", "8", "--seconds", "80")).Expect(0);

        Assert.Equal(3, outcome.OutputLines.Length);
        Assert.Contains(outcome.OutputLines, line => line.StartsWith("seed 20, 8 nodes, ", StringComparison.Ordinal) && line.EndsWith(": no violation", StringComparison.Ordinal));
        Assert.Contains(outcome.OutputLines, line => line.StartsWith("seed 21, 8 nodes, ", StringComparison.Ordinal));
        Assert.StartsWith("2 runs in ", outcome.OutputLines[^1], StringComparison.Ordinal);
    }

    // Small ones: what is tested here is the command; whole meshes have tests of their own.
    private static async Task<JsonElement> RunAsync(params string[] arguments) =>
        (await MaculaProgram.RunAsync(Path.GetTempPath(), ["sim", "--json", "--nodes", "8", "--seconds", "80", .. arguments])).Json();
}
