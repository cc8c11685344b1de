using System.Net;
using System.Net.Sockets;
using Macula.Cli.Tests.Support;
using Macula.Identity.Names;
using Macula.Identity.Realm;

namespace Macula.Cli.Tests;

/// <summary>Nodes that find each other through the realm's DHT, by name and not by address.</summary>
public sealed class DiscoveryTests : IAsyncDisposable
{
    private readonly Workspace _workspace = new();

    public DiscoveryTests()
    {
        _workspace.Found("tenant-a");
        _workspace.Issue("tenant-a", "gw", roles: NodeRoles.Gateway | NodeRoles.Bootstrap);
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Fact]
    public async Task CallWithoutAnAddressFindsTheProviderAndGoesToItDirectly()
    {
        await StartGatewayAsync();
        Issue("alice");
        Issue("bob");

        // Without --listen: the address that leads to the bootstrap is one where others find it.
        var serving = await _workspace.StartAsync("serve", "--as", "alice", "--json");
        var published = await serving.WaitForEventAsync("published");

        var call = (await _workspace.RunAsync("call", "math.add", """{"a":5,"b":3}""", "--as", "bob", "--json")).Expect(0).Json();
        var byId = await _workspace.RunAsync("call", "echo", "1", "--as", "bob", "--node", serving.Announcement.GetProperty("id").GetString()!);

        Assert.Contains("math.add", published.GetProperty("procedures").EnumerateArray().Select(name => name.GetString()!));
        Assert.Equal(8, call.GetProperty("result").GetInt32());
        Assert.Equal(serving.Announcement.GetProperty("id").GetString(), call.GetProperty("provider").GetString());
        Assert.Equal($"direct {serving.Address}", call.GetProperty("path").GetString());
        byId.Expect(0);
    }

    [Fact]
    public async Task NameThatNobodyProvidesIsSaidInOneLine()
    {
        await StartGatewayAsync();
        Issue("bob");

        (await _workspace.RunAsync("call", "math.add", "--as", "bob")).ExpectOneLine(9, "NoProvider", "Nobody in the realm provides math.add");
    }

    [Fact]
    public async Task ProviderThatWasThereBeforeTheNetworkIsFoundOnceItIs()
    {
        var gateway = await StartGatewayAsync();
        await gateway.KillAsync();
        var serving = await ServeAsync("alice");
        await serving.WaitForLogAsync("cannot join");

        await StartGatewayAsync(gateway.Address);
        await serving.WaitForEventAsync("published");

        (await _workspace.RunAsync("call", "echo", "1", "--as", "bob")).Expect(0);
    }

    [Fact]
    public async Task UnreachableBootstrapHasItsOwnExitCode()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Issue("carol");
        SetBootstrap(silent.LocalEndPoint!.ToString()!);
        Issue("bob");

        (await _workspace.RunAsync("call", "echo", "--as", "bob", "--deadline", "2")).ExpectOneLine(11, silent.LocalEndPoint.ToString()!);
        (await _workspace.RunAsync("call", "echo", "--as", "carol", "--deadline", "2")).ExpectOneLine(11, "names no bootstrap");

        var waiting = await _workspace.RunAsync("sub", "sensor.*", "--as", "carol", "--for", "1");
        waiting.Expect(11);
        Assert.EndsWith("macula: carol has found nobody of its realm within 10 s. Does a bootstrap that the realm file names run?\n", waiting.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerOfTheDhtHoldsTheRecordsOfARealmWithoutGateway()
    {
        Issue("store");
        var store = await _workspace.StartAsync("node", "run", "--as", "store", "--dht", "server", "--listen", "127.0.0.1:0", "--json");
        SetBootstrap(store.Address);
        var serving = await ServeAsync("alice");
        await serving.WaitForEventAsync("published");

        (await _workspace.RunAsync("call", "echo", "1", "--as", "bob")).Expect(0);
    }

    [Fact]
    public async Task BootstrapsAreSetLater()
    {
        var set = (await _workspace.RunAsync("realm", "bootstrap", "192.0.2.7:9443", "mesh.example.org:9443", "--authority", "tenant-a", "--json")).Expect(0).Json();
        Issue("bob");
        var member = (await _workspace.RunAsync("realm", "show", "bob", "--json")).Expect(0).Json();
        var none = (await _workspace.RunAsync("realm", "bootstrap", "--authority", "tenant-a", "--json")).Expect(0).Json();

        Assert.Equal(["192.0.2.7:9443", "mesh.example.org:9443"], set.GetProperty("bootstraps").EnumerateArray().Select(address => address.GetString()!));
        Assert.Equal(2, member.GetProperty("bootstraps").GetArrayLength());
        Assert.Equal(0, none.GetProperty("bootstraps").GetArrayLength());
    }

    [Fact]
    public async Task ForeignCertificateIsRefusedByCodeWhenTheOwnCheckIsSkipped()
    {
        var gateway = await StartGatewayAsync();
        _workspace.Found("tenant-b");
        _workspace.Issue("tenant-b", "mallory");

        var refused = await _workspace.RunAsync("call", "echo", "--as", "mallory", "--realm", "tenant-a", "--own-certificate", "skipped", "--at", gateway.Address);

        refused.ExpectOneLine(7, "CertificateWrongRealm");
        await gateway.WaitForLogAsync("warn", "Refused", "CertificateWrongRealm");
    }

    [Fact]
    public async Task NodeStopsWithItsInputWhenAskedTo()
    {
        Issue("alice");
        var serving = await _workspace.StartAsync("serve", "echo", "--as", "alice", "--listen", "127.0.0.1:0", "--until-eof", "--json");

        await serving.EndInputAsync();

        Assert.Equal(0, serving.ExitCode);
    }

    private async Task<ServingNode> StartGatewayAsync(string listen = "127.0.0.1:0")
    {
        var gateway = await _workspace.StartAsync("gateway", "run", "--as", "gw", "--listen", listen, "--json");
        SetBootstrap(gateway.Address);
        return gateway;
    }

    private void SetBootstrap(string address) => _workspace.Administer("tenant-a", store => store.Authority.SetBootstraps([BootstrapAddress.Parse(address)]));

    private void Issue(string name) => _workspace.Issue("tenant-a", name);

    // The caller of the tests, bob, is made with it: both need a realm file that names the bootstrap.
    private async Task<ServingNode> ServeAsync(string name)
    {
        Issue(name);
        Issue("bob");
        return await _workspace.ServeAsync(name);
    }
}
