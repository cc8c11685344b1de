using System.Runtime.Versioning;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary>The first walk of the help text and of README.md, as a user goes it.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class WalkTests
{
    [Fact]
    public async Task FirstWalkEndsWithTheSum()
    {
        await using var workspace = new Workspace();
        (await workspace.RunAsync("realm", "create", "tenant-a")).Expect(0);
        (await workspace.RunAsync("cert", "issue", "alice", "--authority", "tenant-a")).Expect(0);
        (await workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a")).Expect(0);
        var serving = await workspace.ServeAsync("alice");

        var call = (await workspace.RunAsync("call", "math.add", """{"a":5,"b":3}""", "--as", "bob", "--at", serving.Address)).Expect(0);

        Assert.Equal("8\n", call.Output);
        Assert.Contains(serving.Announcement.GetProperty("id").GetString()!, call.Error, StringComparison.Ordinal);
        Assert.Contains($"from alice (", call.Error, StringComparison.Ordinal);
        Assert.Contains($"direct {serving.Address}, round trip ", call.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryCommandPrintsOneJsonObjectWhenAskedTo()
    {
        await using var workspace = new Workspace();
        var realm = (await workspace.RunAsync("realm", "create", "tenant-a", "--bootstrap", "mesh.example.org:9443", "--json")).Expect(0).Json();
        var alice = (await workspace.RunAsync("cert", "issue", "alice", "--authority", "tenant-a", "--roles", "peer,gateway", "--json")).Expect(0).Json();
        workspace.Issue("tenant-a", "bob");
        var serving = await workspace.ServeAsync("alice");
        var call = (await workspace.RunAsync("--json", "call", "echo", """{"text":"grüße","list":[1,2.5,null]}""", "--as", "bob", "--at", serving.Address)).Expect(0).Json();
        var revoked = (await workspace.RunAsync("cert", "revoke", "bob", "--authority", "tenant-a", "--reason", "key-compromise", "--json")).Expect(0).Json();
        var shown = (await workspace.RunAsync("realm", "show", "tenant-a", "--json")).Expect(0).Json();
        var version = (await workspace.RunAsync("version", "--json")).Expect(0).Json();

        Assert.Equal("tenant-a", realm.GetProperty("realm").GetString());
        Assert.Equal("mesh.example.org:9443", Assert.Single(realm.GetProperty("bootstraps").EnumerateArray()).GetString());
        Assert.Equal(["peer", "gateway"], alice.GetProperty("roles").EnumerateArray().Select(role => role.GetString()!));
        Assert.Equal(alice.GetProperty("id").GetString(), serving.Announcement.GetProperty("id").GetString());
        Assert.Equal(realm.GetProperty("id").GetString(), serving.Announcement.GetProperty("realm").GetString());
        Assert.Equal("""{"text":"grüße","list":[1,2.5,null]}""", call.GetProperty("result").GetRawText());
        Assert.Equal(alice.GetProperty("id").GetString(), call.GetProperty("provider").GetString());
        Assert.Equal($"direct {serving.Address}", call.GetProperty("path").GetString());
        Assert.True(call.GetProperty("elapsedMs").GetDouble() > 0);
        Assert.Equal(2, revoked.GetProperty("revocationList").GetInt32());
        Assert.Equal(1, shown.GetProperty("revoked").GetInt32());
        Assert.NotEmpty(version.GetProperty("version").GetString()!);
    }

    [Fact]
    public async Task SecretsAreOpenToTheirOwnerAlone()
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var workspace = new Workspace();
        (await workspace.RunAsync("realm", "create", "tenant-a")).Expect(0);
        (await workspace.RunAsync("cert", "issue", "alice", "--authority", "tenant-a")).Expect(0);

        var secrets = new DirectoryInfo(workspace["tenant-a"]).GetFiles().Where(file => file.Name is not ("realm.json" or "lock")).ToArray();

        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(workspace["tenant-a"]));
        Assert.Equal(Owner, File.GetUnixFileMode(workspace["alice/node.key"]));
        Assert.Equal(3, secrets.Length);
        Assert.All(secrets, secret => Assert.Equal(Owner, secret.UnixFileMode));
    }

    [Fact]
    public async Task BenchmarkPrintsItsRows()
    {
        await using var workspace = new Workspace();

        var bench = (await workspace.RunAsync("bench", "call", "--calls", "20", "--rounds", "2", "--seconds", "0.1", "--json")).Expect(0);

        var rows = bench.OutputLines.Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(["call.roundtrip.p50", "call.roundtrip.p99", "call.rate.64-in-flight"], rows.Select(row => row.GetProperty("name").GetString()!));
        Assert.All(rows, row =>
        {
            Assert.True(row.GetProperty("value").GetDouble() > 0);
            Assert.NotEmpty(row.GetProperty("unit").GetString()!);
            Assert.Equal(2, row.GetProperty("samples").GetArrayLength());
        });
    }
}
