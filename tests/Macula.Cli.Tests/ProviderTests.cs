using System.Diagnostics;
using System.Text.Json;
using Macula.Cli.Tests.Support;
using Macula.Identity.Names;
using Macula.Identity.Realm;

namespace Macula.Cli.Tests;

/// <summary>Providers that are not there yet, are there no more, or are the caller itself, from the outside.</summary>
public sealed class ProviderTests : IAsyncDisposable
{
    private readonly Workspace _workspace = new();

    public ProviderTests()
    {
        _workspace.Found("tenant-a");
        _workspace.Issue("tenant-a", "gw", roles: NodeRoles.Gateway | NodeRoles.Bootstrap);
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Fact]
    public async Task KilledProviderFailsItsCallInTimeAndTheNextCallGoesToAnother() // [RPC-4] [RPC-16]
    {
        const double Deadline = 4;
        await StartGatewayAsync("alice", "bob", "carol");
        var alice = await ServeAsync("alice", "echo", "time.wait", "math.add");
        await ServeAsync("carol", "math.add");
        using var session = new SessionDriver(MaculaProgram.Start(_workspace.Directory, ["session", "--as", "bob"]));

        // Both nodes are connected; what is asked behind the long call is answered after it has arrived.
        await session.WriteAsync("""{"id":1,"call":"echo"}""");
        await session.ReadUntilAsync("id");
        var clock = Stopwatch.StartNew();
        await session.WriteAsync($$"""{"id":2,"call":"time.wait","argument":600,"deadline":{{Deadline}}}""", """{"id":3,"call":"echo"}""");
        Assert.Equal(3, (await session.ReadUntilAsync("id")).GetProperty("id").GetInt32());

        await alice.KillAsync();
        var failed = await session.ReadUntilAsync("id");
        var elapsed = clock.Elapsed;

        // Providers take turns: the one that was killed would have one of these.
        for (var id = 4; id <= 5; id++)
        {
            await session.WriteAsync($$$"""{"id":{{{id}}},"call":"math.add","argument":{"a":5,"b":3}}""");
            var next = await session.ReadUntilAsync("id");
            Assert.Equal((8, "carol"), (next.GetProperty("result").GetInt32(), next.GetProperty("providerName").GetString()));
        }

        Assert.Contains(failed.GetProperty("error").GetString(), (string[])["DeadlineExceeded", "ConnectionLost"]);
        Assert.Equal("Unknown", failed.GetProperty("handler").GetString());
        Assert.InRange(elapsed.TotalSeconds, 0, Deadline + 2);
    }

    [Fact]
    public async Task SessionCallsWhatItServesInMemory() // [RPC-18] [RPC-19]
    {
        _workspace.Issue("tenant-a", "bob");
        using var session = new SessionDriver(MaculaProgram.Start(_workspace.Directory, ["session", "--as", "bob", "--serve", "math.add", "echo"]));

        await session.WriteAsync("""{"id":1,"call":"math.add","argument":{"a":5,"b":3}}""");
        var ready = await session.ReadUntilAsync("nodeId");
        var answer = await session.ReadUntilAsync("id");
        session.EndInput();
        await session.ReadToEndAsync();

        Assert.Equal((8, "local", "bob", 0.0), (
            answer.GetProperty("result").GetInt32(), answer.GetProperty("path").GetString(), answer.GetProperty("providerName").GetString(), answer.GetProperty("roundTripMs").GetDouble()));
        Assert.Equal(ready.GetProperty("nodeId").GetString(), answer.GetProperty("provider").GetString());
        Assert.Equal(0, session.ExitCode);
    }

    [Fact]
    public async Task SessionServesBuiltInProceduresOnly()
    {
        _workspace.Issue("tenant-a", "bob");

        (await _workspace.RunAsync("session", "--as", "bob", "--serve", "math.divide")).ExpectOneLine(2, "'math.divide' is no built-in procedure");
    }

    [Fact]
    public async Task CallWaitsForItsProviderWhenToldTo()
    {
        await StartGatewayAsync("alice", "bob");
        var waiting = _workspace.RunAsync("call", "math.add", """{"a":5,"b":3}""", "--as", "bob", "--wait", "--deadline", "60");
        (await _workspace.RunAsync("call", "math.add", """{"a":5,"b":3}""", "--as", "alice")).Expect(9);

        await ServeAsync("alice", "math.add");

        Assert.Equal("8\n", (await waiting).Expect(0).Output);
    }

    [Fact]
    public async Task CallThatWaitsInVainEndsWithItsDeadline()
    {
        await StartGatewayAsync("bob");
        var clock = Stopwatch.StartNew();

        (await _workspace.RunAsync("call", "math.add", "1", "--as", "bob", "--wait", "--deadline", "5")).ExpectOneLine(9, "NoProvider", "Nobody in the realm provides math.add");

        Assert.InRange(clock.Elapsed.TotalSeconds, 4, 60);
    }

    private async Task<ServingNode> ServeAsync(string node, params string[] procedures)
    {
        var serving = await _workspace.StartAsync(["serve", .. procedures, "--as", node, "--listen", "127.0.0.1:0", "--json", "--verbose"]);
        Assert.Equal(JsonValueKind.Array, (await serving.WaitForEventAsync("published")).GetProperty("procedures").ValueKind);
        return serving;
    }

    // Members are made once the gateway's address is known: their realm file names it.
    private async Task StartGatewayAsync(params string[] members)
    {
        var gateway = await _workspace.StartAsync("gateway", "run", "--as", "gw", "--listen", "127.0.0.1:0", "--json");
        _workspace.Administer("tenant-a", store => store.Authority.SetBootstraps([BootstrapAddress.Parse(gateway.Address)]));
        foreach (var member in members)
        {
            _workspace.Issue("tenant-a", member);
        }
    }
}
