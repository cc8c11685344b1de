using System.Diagnostics;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary>Output that nobody can have: a full disk, a closed descriptor.</summary>
public sealed class OutputTests
{
    [Theory]
    [InlineData("version >/dev/full", 1)]
    [InlineData("version --json >/dev/full", 1)]
    [InlineData("version >&-", 1)]
    [InlineData("--version >/dev/full", 1)]
    [InlineData("--help >/dev/full", 1)]
    [InlineData("realm show missing-file --json >/dev/full", 4)]
    public async Task OutputThatCannotBeWrittenIsSaidInOneLine(string commandLine, int exitCode) =>
        (await RunInShellAsync(commandLine)).ExpectOneLine(exitCode, exitCode == 1 ? "Standard output cannot be written" : "missing-file");

    [Theory]
    [InlineData("call 2>/dev/full", 2)]
    [InlineData("call >&- 2>&-", 2)]
    public async Task WhereNothingCanBeSaidTheExitCodeSpeaks(string commandLine, int exitCode)
    {
        var outcome = await RunInShellAsync(commandLine);

        outcome.Expect(exitCode);
        Assert.Empty(outcome.Output + outcome.Error);
    }

    [Fact]
    public async Task VersionCanBeAskedForByAnOption()
    {
        var text = (await MaculaProgram.RunAsync(Path.GetTempPath(), "--version")).Expect(0);
        var json = (await MaculaProgram.RunAsync(Path.GetTempPath(), "--version", "--json")).Expect(0);

        Assert.Equal(text.Output.TrimEnd(), json.Json().GetProperty("version").GetString());
    }

    private static async Task<ProgramOutcome> RunInShellAsync(string commandLine)
    {
        var start = new ProcessStartInfo("sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in new[] { "-c", $"exec \"$@\" {commandLine}", "sh", MaculaProgram.Path.File }.Concat(MaculaProgram.Path.FirstArguments))
        {
            start.ArgumentList.Add(word);
        }

        var process = Process.Start(start)!;
        using var life = new ProcessLife(process);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(MaculaProgram.Patience);
        return new ProgramOutcome(commandLine, process.ExitCode, await output, await error);
    }
}
