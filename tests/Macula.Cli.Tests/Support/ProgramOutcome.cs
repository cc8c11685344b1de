using System.Text.Json;

namespace Macula.Cli.Tests.Support;

/// <summary>How one run of the program ended.</summary>
internal sealed record ProgramOutcome(string CommandLine, int ExitCode, string Output, string Error)
{
    /// <summary>Standard output, line by line.</summary>
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Fails unless the run ended with a code; shows what it printed.</summary>
    public ProgramOutcome Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"{this} should have ended with {exitCode}.");
        return this;
    }

    /// <summary>Fails unless the run ended with a code and exactly one line on standard error that holds some words.</summary>
    public void ExpectOneLine(int exitCode, params string[] words)
    {
        Expect(exitCode);
        Assert.StartsWith("macula: ", Error, StringComparison.Ordinal);
        Assert.True(Error.TrimEnd('\n').Split('\n').Length == 1 && Output.Length == 0, $"{this} should have said one line.");
        Assert.All(words, word => Assert.Contains(word, Error, StringComparison.Ordinal));
        Assert.DoesNotContain("(Parameter", Error, StringComparison.Ordinal);
    }

    /// <summary>The only line of standard output as a JSON object.</summary>
    public JsonElement Json()
    {
        Assert.True(OutputLines.Length == 1, $"{this} should have printed one line.");
        using var document = JsonDocument.Parse(OutputLines[0]);
        return document.RootElement.Clone();
    }

    public override string ToString() => $"'macula {CommandLine}' ended with {ExitCode}, output:\n{Output}error:\n{Error}";
}
