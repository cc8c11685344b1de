using System.Diagnostics;
using Macula.Cli.Tests.Support;
using Macula.Identity.Names;
using Macula.Identity.Realm;

namespace Macula.Cli.Tests;

/// <summary>The program that README.md shows, run as its text says.</summary>
public sealed class ExampleTests
{
    [Fact]
    public async Task ProgramOfTheReadmeCallsAndSubscribes()
    {
        await using var workspace = new Workspace();
        workspace.Found("tenant-a");
        workspace.Issue("tenant-a", "gw", roles: NodeRoles.Gateway | NodeRoles.Bootstrap);
        var gateway = await workspace.StartAsync("gateway", "run", "--as", "gw", "--listen", "127.0.0.1:0", "--json");
        workspace.Administer("tenant-a", store => store.Authority.SetBootstraps([BootstrapAddress.Parse(gateway.Address)]));
        foreach (var node in new[] { "alice", "bob", "carol" })
        {
            workspace.Issue("tenant-a", node);
        }

        await (await workspace.StartAsync("serve", "--as", "alice", "--json")).WaitForEventAsync("published");
        await workspace.StartAsync("pub", "sensor.load", "--measure", "load", "--every", "0.2", "--as", "carol", "--json");
        var program = MaculaProgram.Path with { FirstArguments = [Path.Combine(AppContext.BaseDirectory, "CallAndSubscribe.dll")] };
        var process = Process.Start(program.Describe(workspace["bob"]))!;
        using var life = new ProcessLife(process);
        var error = process.StandardError.ReadToEndAsync();
        var lines = (await process.StandardOutput.ReadToEndAsync().WaitAsync(MaculaProgram.Patience)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Empty(await error);
        Assert.StartsWith("8 from alice, direct ", lines[0], StringComparison.Ordinal);
        Assert.Equal(4, lines.Length);
        Assert.All(lines[1..], line => Assert.Matches("^sensor.load: {\"load1\":.*} from carol$", line));
    }
}
