using System.Runtime.Versioning;
using Macula.Cli.Tests.Support;
using Macula.Identity.Keys;
using Macula.Identity.Realm;

namespace Macula.Cli.Tests;

/// <summary>Files of an identity that cannot be used: the line names the file and what to do, and nothing is made in its place.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class IdentityFileTests : IAsyncDisposable
{
    private readonly Workspace _workspace = new();

    public IdentityFileTests()
    {
        _workspace.Found("tenant-a");
        _workspace.Issue("tenant-a", "alice");
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Theory]
    [InlineData("realm.json")]
    [InlineData("node.crt")]
    [InlineData("node.key")]
    public async Task MissingFileIsNamedAndNotMadeAnew(string file)
    {
        var path = _workspace[Path.Combine("alice", file)];
        File.Delete(path);

        (await ServeAsync()).ExpectOneLine(4, $"alice/{file} does not exist.");
        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData("realm.json", "is not what it should be, in line 1: 'd' is an invalid start of a value. Get")]
    [InlineData("node.crt", "holds no certificate")]
    [InlineData("node.key", "holds no private key")]
    public async Task DamagedFileIsNamed(string file, string found)
    {
        await File.WriteAllTextAsync(_workspace[Path.Combine("alice", file)], "damaged");

        (await ServeAsync()).ExpectOneLine(4, $"alice/{file}", found);
    }

    [Theory]
    [InlineData("realm.json")]
    [InlineData("node.crt")]
    [InlineData("node.key")]
    public async Task UnreadableFileIsNamed(string file)
    {
        // A directory cannot be read as a file by anybody, also not by root.
        var path = _workspace[Path.Combine("alice", file)];
        File.Delete(path);
        Directory.CreateDirectory(path);

        (await ServeAsync()).ExpectOneLine(4, $"alice/{file} cannot be read.");
    }

    [Fact]
    public async Task KeyThatOthersMayReadIsRefused()
    {
        File.SetUnixFileMode(_workspace["alice/node.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        (await ServeAsync()).ExpectOneLine(4, "alice/node.key", "chmod 600");
    }

    [Fact]
    public async Task KeyOfAnotherNodeIsRefused()
    {
        _workspace.Issue("tenant-a", "bob");
        File.Copy(_workspace["bob/node.key"], _workspace["alice/node.key"], overwrite: true);

        (await ServeAsync()).ExpectOneLine(4, "alice/node.key is not the private key of the certificate in alice/node.crt");
    }

    [Fact]
    public async Task CertificateOfAnotherRealmIsRefused()
    {
        _workspace.Found("tenant-b");

        (await ServeAsync("--realm", "tenant-b")).ExpectOneLine(4, "alice/node.crt", "names realm");
    }

    [Fact]
    public async Task ExpiredCertificateIsRefused()
    {
        _workspace.Issue("tenant-a", "old", TimeSpan.FromHours(36));

        (await _workspace.RunAsync("serve", "--as", "old")).ExpectOneLine(4, "old/node.crt cannot be used", "Have it renewed");
    }

    [Fact]
    public async Task FileFaultIsOneObjectForPrograms()
    {
        File.Delete(_workspace["alice/node.key"]);

        var fault = (await ServeAsync("--json")).Expect(4).Json();

        Assert.Equal("CertificateMissing", fault.GetProperty("error").GetString());
        Assert.Contains("alice/node.key does not exist.", fault.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(4, fault.GetProperty("exit").GetInt32());
    }

    [Fact]
    public async Task AuthorityIsNeverOverwritten()
    {
        var before = await File.ReadAllTextAsync(_workspace["tenant-a/realm.json"]);

        (await _workspace.RunAsync("realm", "create", "tenant-b", "--out", "tenant-a")).ExpectOneLine(4, "tenant-a/realm.json exists already");
        Assert.Equal(before, await File.ReadAllTextAsync(_workspace["tenant-a/realm.json"]));
    }

    [Fact]
    public async Task MissingAuthorityIsNamed() =>
        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "nowhere")).ExpectOneLine(4, "nowhere/realm.json does not exist", "macula realm create");

    [Fact]
    public async Task AuthorityThatCannotBeReadIsNotSaidToBeMissing()
    {
        File.Delete(_workspace["tenant-a/realm.json"]);
        Directory.CreateDirectory(_workspace["tenant-a/realm.json"]);

        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a")).ExpectOneLine(4, "tenant-a/realm.json cannot be read");
    }

    [Fact]
    public async Task DirectoryOfANodeThatIsNoneIsNamed()
    {
        (await _workspace.RunAsync("serve", "--as", "nowhere")).ExpectOneLine(4, "nowhere does not exist", "macula cert issue");
        (await _workspace.RunAsync("serve", "--as", "alice/node.crt")).ExpectOneLine(4, "alice/node.crt is no directory", "macula cert issue");
    }

    [Fact]
    public async Task AuthorityInUseIsSaid()
    {
        using var held = AuthorityStore.Open(_workspace["tenant-a"], EcdsaP256Scheme.Instance);

        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a")).ExpectOneLine(4, "held by another process");
    }

    [Fact]
    public async Task NameThatIsTakenIsRefused()
    {
        (await _workspace.RunAsync("cert", "issue", "alice", "--authority", "tenant-a", "--out", "other")).ExpectOneLine(7, "alice has a live key already");
        Assert.False(Directory.Exists(_workspace["other"]));
    }

    [Fact]
    public async Task NameThatNobodyBearsCannotBeRevoked() =>
        (await _workspace.RunAsync("cert", "revoke", "zoe", "--authority", "tenant-a")).ExpectOneLine(7, "zoe");

    [Theory]
    [InlineData("node.key")]
    [InlineData("node.crt")]
    [InlineData("realm.json")]
    public async Task FileInTheWayStaysAndCostsNoName(string file)
    {
        Directory.CreateDirectory(_workspace["bob"]);
        await File.WriteAllTextAsync(_workspace[Path.Combine("bob", file)], "mine");

        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a")).ExpectOneLine(4, $"bob/{file} exists already", "--out");

        Assert.Equal("mine", await File.ReadAllTextAsync(_workspace[Path.Combine("bob", file)]));
        Assert.Equal([_workspace[Path.Combine("bob", file)]], Directory.GetFiles(_workspace["bob"]));
        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a", "--out", "elsewhere")).Expect(0);
    }

    [Fact]
    public async Task PlaceThatTakesNoFilesCostsNoName()
    {
        await File.WriteAllTextAsync(_workspace["bob"], "");

        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a")).ExpectOneLine(4, "bob cannot be made");
        (await _workspace.RunAsync("cert", "issue", "bob", "--authority", "tenant-a", "--out", "elsewhere")).Expect(0);
    }

    private Task<ProgramOutcome> ServeAsync(params string[] more) => _workspace.RunAsync(["serve", "--as", "alice", "--listen", "127.0.0.1:0", .. more]);
}
