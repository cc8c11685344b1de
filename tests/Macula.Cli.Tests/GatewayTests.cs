using Macula.Cli.Tests.Support;
using Macula.Identity.Names;

namespace Macula.Cli.Tests;

/// <summary><c>macula gateway run</c> and <c>macula node run</c>, from the outside.</summary>
public sealed class GatewayTests : IAsyncDisposable
{
    private const NodeRoles Roles = NodeRoles.Gateway | NodeRoles.Bootstrap;

    private readonly Workspace _workspace = new();

    public GatewayTests()
    {
        foreach (var letter in (string[])["a", "b"])
        {
            _workspace.Found($"tenant-{letter}");
            _workspace.Issue($"tenant-{letter}", $"gw-{letter}", roles: Roles);
            _workspace.Issue($"tenant-{letter}", $"member-{letter}");
        }
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Fact]
    public async Task GatewayAnswersEachRealmWithItsNodeThereAndEndsAtSigterm()
    {
        var gateway = await _workspace.StartAsync("gateway", "run", "--as", "gw-a", "--as", "gw-b", "--listen", "127.0.0.1:0", "--json");

        Assert.Equal("listening", gateway.Announcement.GetProperty("event").GetString());
        var realms = gateway.Announcement.GetProperty("realms").EnumerateArray().ToArray();
        Assert.Equal(["gw-a", "gw-b"], realms.Select(realm => realm.GetProperty("name").GetString()!));
        Assert.NotEqual(realms[0].GetProperty("id").GetString(), realms[1].GetProperty("id").GetString());

        // The call names the node that must answer: exit code 9, no such procedure, comes from that one alone.
        (await CallAsync("member-a", gateway, realms[0].GetProperty("node").GetString()!)).Expect(9);
        (await CallAsync("member-b", gateway, realms[1].GetProperty("node").GetString()!)).Expect(9);
        (await CallAsync("member-b", gateway, realms[0].GetProperty("node").GetString()!)).Expect(7);

        Assert.InRange(await gateway.TerminateAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, gateway.ExitCode);
    }

    [Fact]
    public async Task TenantWithTheRealmFileOfAnotherIsRefused()
    {
        var gateway = await _workspace.StartAsync("gateway", "run", "--as", "gw-a", "--listen", "127.0.0.1:0", "--json");

        // Not served, and so not even told apart from a realm that does not exist.
        (await CallAsync("member-b", gateway)).ExpectOneLine(7, "RealmNotServed");
        (await CallAsync("member-a", gateway)).ExpectOneLine(9, "NoSuchProcedure");
    }

    [Fact]
    public async Task PlainNodeRunsWithoutProceduresAndEndsAtSigterm()
    {
        var node = await _workspace.StartAsync("node", "run", "--as", "member-a", "--listen", "127.0.0.1:0", "--json");

        Assert.Equal(("listening", "member-a"), (node.Announcement.GetProperty("event").GetString(), node.Announcement.GetProperty("node").GetString()));
        (await CallAsync("gw-a", node)).Expect(7);
        _workspace.Issue("tenant-a", "caller");
        (await CallAsync("caller", node)).ExpectOneLine(9, "NoSuchProcedure");
        Assert.InRange(await node.TerminateAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, node.ExitCode);
    }

    [Fact]
    public async Task CertificateWithoutTheRoleIsSaidInOneLine() =>
        (await _workspace.RunAsync("gateway", "run", "--as", "gw-a", "--as", "member-b", "--listen", "127.0.0.1:0")).ExpectOneLine(4, "member-b", "neither the role gateway nor the role bootstrap", "--roles");

    [Fact]
    public async Task TwoNodesOfOneRealmAreSaidInOneLine()
    {
        _workspace.Issue("tenant-a", "gw-2", roles: Roles);

        (await _workspace.RunAsync("gateway", "run", "--as", "gw-a", "--as", "gw-2", "--listen", "127.0.0.1:0")).ExpectOneLine(2, "'gw-a' and 'gw-2'", "one realm, tenant-a");
    }

    [Fact]
    public async Task MissingDirectoryIsSaidInOneLine() => (await _workspace.RunAsync("gateway", "run", "--as", "gw-a", "--as", "nowhere", "--listen", "127.0.0.1:0")).ExpectOneLine(4, "nowhere");

    [Fact]
    public async Task PortInUseHasItsOwnExitCode()
    {
        var gateway = await _workspace.StartAsync("gateway", "run", "--as", "gw-a", "--listen", "127.0.0.1:0", "--json");

        (await _workspace.RunAsync("gateway", "run", "--as", "gw-b", "--listen", gateway.Address)).ExpectOneLine(5, "in use", gateway.Address.Split(':')[1]);
    }

    [Fact]
    public async Task MissingLibraryHasItsOwnExitCode()
    {
        // An empty file is found before the system's library, and cannot be loaded.
        Directory.CreateDirectory(_workspace["lib"]);
        await File.WriteAllBytesAsync(_workspace[Path.Combine("lib", "libngtcp2.so.16")], []);

        var outcome = await MaculaProgram.RunAsync(
            _workspace.Directory, ["gateway", "run", "--as", "gw-a", "--listen", "127.0.0.1:0"], start => start.Environment["LD_LIBRARY_PATH"] = _workspace["lib"]);

        outcome.ExpectOneLine(3, "libngtcp2", "not installed");
    }

    private Task<ProgramOutcome> CallAsync(string caller, ServingNode at, string? node = null) =>
        _workspace.RunAsync(["call", "echo", "1", "--as", caller, "--at", at.Address, .. node is null ? Array.Empty<string>() : ["--node", node]]);
}
