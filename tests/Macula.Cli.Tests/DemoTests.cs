using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Macula.Cli.Demo;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary><c>macula demo</c> as a whole, and that each of its steps fails when what it shows is not there.</summary>
public sealed class DemoTests
{
    private static readonly DemoPlan Plan = new() { Program = MaculaProgram.Path, Watching = TimeSpan.FromSeconds(2) };

    // A node that runs and does nothing of what the step needs.
    private static DemoNode Idle(DemoNode node) => node with { Command = ["node", "run"] };

    [Fact]
    public async Task DemonstrationPassesAndLeavesNothingBehind()
    {
        using var home = new TemporaryFolder();
        var outcome = await MaculaProgram.RunAsync(home.Path, ["demo", "--seconds", "2", "--json"], start => MakeTemporary(start, home));

        var lines = outcome.Expect(0).OutputLines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(["call", "publish", "separation", "failover"], lines[..4].Select(line => line.GetProperty("name").GetString()!));
        Assert.All(lines, line => Assert.True(line.GetProperty("ok").GetBoolean()));
        Assert.Equal((8, 4), (lines[0].GetProperty("result").GetInt32(), lines[4].GetProperty("passed").GetInt32()));
        Assert.InRange(lines[0].GetProperty("roundTripP50Ms").GetDouble(), 0.001, 1000);
        Assert.Equal(0, lines[2].GetProperty("events").GetInt32());
        Assert.Contains("CertificateWrongRealm", lines[2].GetProperty("gatewayLog").GetString(), StringComparison.Ordinal);
        Assert.Empty(outcome.Error);
        Assert.Empty(Directory.GetFileSystemEntries(home.Path));
    }

    [Theory]
    [InlineData("demo", "--json")]
    [InlineData("bench", "call", "--json")]
    public async Task WithoutATemporaryDirectoryTheReasonIsSaid(params string[] words)
    {
        var outcome = await MaculaProgram.RunAsync(Path.GetTempPath(), words, start => start.Environment["TMPDIR"] = "/missing-directory");

        Assert.Contains("Set TMPDIR", outcome.Expect(1).Json().GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(outcome.Error);
    }

    [Fact]
    public async Task DemonstrationFitsATerminalOf80Columns()
    {
        using var home = new TemporaryFolder();
        var command = string.Join(' ', MaculaProgram.Path.FirstArguments.Prepend(MaculaProgram.Path.File).Select(word => $"'{word}'"));
        var start = new ProcessStartInfo("script", ["-qec", $"stty cols 80; exec {command} demo --seconds 2", "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["TERM"] = "dumb";
        start.Environment["TMPDIR"] = home.Path;
        var terminal = Process.Start(start)!;
        using var life = new ProcessLife(terminal);
        var lines = new List<string>();
        while (await terminal.StandardOutput.ReadLineAsync().WaitAsync(MaculaProgram.Patience) is { } line)
        {
            lines.Add(line.TrimEnd('\r'));
        }

        await terminal.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
        Assert.True(terminal.ExitCode == 0, string.Join('\n', lines));
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.Contains("starting a gateway", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("2  ", StringComparison.Ordinal));
        Assert.Contains("ok", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public Task CallStepFailsWhenNobodyAdvertises() =>
        ExpectFailureAsync(new CallStep(), Plan with { Provider = Plan.Provider with { Command = ["serve", "echo"] } }, "math.add", "NoProvider");

    [Fact]
    public Task PublishStepFailsWhenAPublisherIsSilent() => ExpectFailureAsync(new PublishStep(), Plan with { Memory = Idle(Plan.Memory) }, "0 events on sensor.memory", "at least 1");

    [Theory]
    [InlineData("{\"totalKiB\":1024,\"availableKiB\":512,\"usedPercent\":50}")]
    [InlineData("50")]
    public Task PublishStepFailsWhenNothingIsMeasured(string value) => ExpectFailureAsync(
        new PublishStep(), Plan with { Memory = Plan.Memory with { Command = ["pub", "sensor.memory", value, "--every", "1"] } }, "sensor.memory", "what /proc says");

    [Fact]
    public Task SeparationStepFailsWhenTheOtherTenantHasCredentialsOfTheFirst() => ExpectFailureAsync(
        new SeparationStep(),
        Plan with { Guest = Plan.Guest with { Realm = DemoPlan.HomeRealm }, GuestEcho = Plan.GuestEcho with { Realm = DemoPlan.HomeRealm }, Provider = Plan.Provider },
        "math.add",
        "should end with NoProvider");

    [Fact]
    public Task SeparationStepFailsWhenEventsCrossOver() => ExpectFailureAsync(
        new SeparationStep(),
        Plan with
        {
            Provider = Idle(Plan.Provider), Guest = Plan.Guest with { Realm = DemoPlan.HomeRealm }, GuestEcho = Plan.GuestEcho with { Realm = DemoPlan.HomeRealm },
        },
        "events of tenant-a came to tenant-b");

    [Fact]
    public Task SeparationStepFailsWhenThereIsNothingToBeSeparated() => ExpectFailureAsync(
        new SeparationStep(), Plan with { Load = Idle(Plan.Load), Memory = Idle(Plan.Memory) }, "No event came to tenant-a either");

    [Fact]
    public Task FailoverStepFailsWhenNoSecondProviderIsStarted() => ExpectFailureAsync(new FailoverStep(), Plan with { Successor = null }, "The call after that failed with");

    [Fact]
    public async Task ProcessThatEndsByItselfFailsTheStep()
    {
        await using var mesh = await DemoMesh.StartAsync(Plan, CancellationToken.None);
        using var kill = Process.Start("kill", ["-KILL", mesh.Memory.Process.Id.ToString(CultureInfo.InvariantCulture)]);

        var result = await Demonstration.RunStepAsync(2, new PublishStep(), mesh, new SilentView(), CancellationToken.None);

        Assert.Contains("'memory' ended by itself", result.Failure?.Message, StringComparison.Ordinal);
        Assert.Same(mesh.Memory.Process, result.Failure?.Process);
    }

    [Fact]
    public async Task FailedStepIsNamedAndEndsTheDemonstration()
    {
        var view = new SilentView();

        var results = await Demonstration.RunAsync(Plan with { Load = Idle(Plan.Load) }, view, CancellationToken.None);

        Assert.Equal([true, false], results.Select(result => result.IsOk));
        Assert.Equal("publish", results[1].Step.Name);
        Assert.Equal("load", results[1].Failure?.Process?.Name);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("HUP", 130)]
    [InlineData("KILL", 137)]
    public async Task ChildrenEndWithTheDemonstration(string signal, int exitCode)
    {
        using var home = new TemporaryFolder();
        using var demo = MaculaProgram.Start(home.Path, ["demo", "--seconds", "600"], start => start.Environment["TMPDIR"] = home.Path);
        var children = new List<int>();
        while (await demo.StandardOutput.ReadLineAsync().WaitAsync(MaculaProgram.Patience) is { } line && !line.StartsWith("1  ", StringComparison.Ordinal))
        {
            var cells = line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (cells.Length == 5 && int.TryParse(cells[2], out var id))
            {
                children.Add(id);
            }
        }

        Assert.Equal(7, children.Count);
        using var kill = Process.Start("kill", [$"-{signal}", demo.Id.ToString(CultureInfo.InvariantCulture)]);
        await demo.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);

        Assert.Equal(exitCode, demo.ExitCode);
        foreach (var child in children)
        {
            await UntilGoneAsync(child);
        }

        if (signal != "KILL")
        {
            Assert.Empty(Directory.GetFileSystemEntries(home.Path, "macula-demo-*"));
        }
    }

    // As a user's shell starts it, whatever the runner of these tests was told about debuggers.
    private static void MakeTemporary(ProcessStartInfo start, TemporaryFolder home)
    {
        start.Environment["TMPDIR"] = home.Path;
        start.Environment.Remove("DOTNET_EnableDiagnostics");
    }

    private static async Task UntilGoneAsync(int id)
    {
        try
        {
            using var child = Process.GetProcessById(id);
            await child.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
        }
        catch (ArgumentException)
        {
            // It was gone already.
        }
    }

    private static async Task ExpectFailureAsync(IDemoStep step, DemoPlan plan, params string[] words)
    {
        await using var mesh = await DemoMesh.StartAsync(plan, CancellationToken.None);

        var result = await Demonstration.RunStepAsync(1, step, mesh, new SilentView(), CancellationToken.None);

        Assert.False(result.IsOk);
        Assert.Same(step, result.Step);
        Assert.All(words, word => Assert.Contains(word, result.Failure!.Message, StringComparison.Ordinal));
        Assert.NotNull(result.Failure!.Process);
    }

    private sealed class SilentView : IDemoView
    {
        public void ShowStart()
        {
        }

        public void ShowMesh(DemoMesh mesh)
        {
        }

        public void ShowBegin(int number, IDemoStep step)
        {
        }

        public void ShowLine(string label, string text)
        {
        }

        public void ShowEnd(StepResult result)
        {
        }

        public void ShowNoStart(DemoException failure)
        {
        }

        public void ShowSummary(IReadOnlyList<StepResult> results, TimeSpan elapsed)
        {
        }
    }
}
