using System.Globalization;
using System.Reflection;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary>What the program says about itself.</summary>
public sealed class HelpTests
{
    private const int ReadableWidth = 110;

    [Fact]
    public async Task HelpListsEveryExitCode()
    {
        var codes = Enum.GetValuesAsUnderlyingType(Assembly.Load("Macula.Cli").GetType("Macula.Cli.ExitCode", throwOnError: true)!).Cast<int>();

        var help = (await MaculaProgram.RunAsync(Path.GetTempPath(), "--help")).Expect(0);

        var listed = help.Output.Split("Exit codes:\n")[1].Split("\n\n")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => int.Parse(line.Trim().Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.Equal(codes.Order(), listed);
    }

    [Theory]
    [InlineData("", "demo", "pub TOPIC [VALUE]", "sub PATTERN", "session", "realm create NAME", "realm bootstrap [ADDRESS...]", "cert issue NAME", "node run", "gateway run", "serve [PROCEDURE...]", "call PROCEDURE [ARGUMENT]", "bench call", "sim", "--version", "--json")]
    [InlineData("realm", "create NAME", "bootstrap [ADDRESS...]", "show FILE")]
    [InlineData("realm create", "NAME", "--out DIR", "--bootstrap HOST:PORT")]
    [InlineData("realm bootstrap", "[ADDRESS...] --authority DIR [OPTIONS]", "HOST:PORT")]
    [InlineData("realm show", "FILE")]
    [InlineData("cert issue", "NAME --authority DIR [OPTIONS]", "--roles ROLES", "Default: peer.", "--days N", "Default: 90.", "--out DIR")]
    [InlineData("cert revoke", "--reason REASON", "key-compromise", "Default: unspecified.")]
    [InlineData("node run", "--as DIR [OPTIONS]", "--listen IP:PORT", "--realm FILE", "--verbose")]
    [InlineData("gateway run", "--as DIR [OPTIONS]", "--listen IP:PORT", "--verbose", "Once for each realm", "At most 256 realms", "--roles gateway,bootstrap")]
    [InlineData("serve", "--as DIR [OPTIONS]", "--listen IP:PORT", "--address IP:PORT", "--dht MODE", "Default: client.", "--until-eof", "--realm FILE", "--own-certificate CHECK", "--verbose", "math.add")]
    [InlineData("call", "--at HOST:PORT", "--node ID", "--deadline SECONDS", "Default: 10.", "Default: null.")]
    [InlineData("demo", "--seconds SECONDS", "Default: 4.", "about 20 s")]
    [InlineData("pub", "TOPIC [VALUE] --as DIR", "--every SECONDS", "--measure WHAT", "--until-eof")]
    [InlineData("sub", "PATTERN --as DIR", "--count N", "--for SECONDS")]
    [InlineData("session", "--as DIR", "\"call\":", "\"publish\":", "\"subscribe\":", "\"unsubscribe\":", "At most 64 requests")]
    [InlineData("bench call", "--calls N", "Default: 1000.", "--rounds N", "--seconds SECONDS")]
    [InlineData("sim", "--seed N", "--seeds COUNT", "--nodes N", "Default: 20.", "--realms N", "--seconds SECONDS", "Default: 120.", "trace")]
    [InlineData("version", "--json")]
    public async Task HelpTellsWhatACommandTakes(string command, params string[] words)
    {
        var help = (await MaculaProgram.RunAsync(Path.GetTempPath(), [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])).Expect(0);

        Assert.Contains($"Usage: {$"macula {command}".TrimEnd()} ", help.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Macula.Cli", help.Output, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, help.Output, StringComparison.Ordinal));
        Assert.All(help.OutputLines, line => Assert.True(line.Length <= ReadableWidth, line));
        Assert.Empty(help.Error);
    }
}
