using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Macula.Cli.Tests.Support;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Transport;
using Macula.Transport.Quic;
using Macula.Wire.Time;

namespace Macula.Cli.Tests;

/// <summary>Calls and nodes that fail: which line, and which exit code.</summary>
public sealed class CallFailureTests : IAsyncDisposable
{
    private readonly Workspace _workspace = new();

    public CallFailureTests()
    {
        _workspace.Found("tenant-a");
        _workspace.Issue("tenant-a", "alice");
        _workspace.Issue("tenant-a", "bob");
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Fact]
    public async Task UnknownHostIsSaid() => (await CallAsync("nohost.invalid:9443", "echo")).ExpectOneLine(6, "nohost.invalid", "unknown");

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task HostWhereNobodyAnswersIsSaid(string host)
    {
        // A socket that never answers: the address stays free of anybody else's node.
        var address = IPAddress.Parse(host);
        using var silent = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(address, 0));
        var at = silent.LocalEndPoint!.ToString()!;

        // Of four seconds, the last eight tenths are for telling, which a busy machine needs.
        (await CallAsync(at, "echo", "--deadline", "4")).ExpectOneLine(6, "Unreachable", at);
    }

    [Fact]
    public async Task PortInUseIsSaid()
    {
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        var outcome = await _workspace.RunAsync("serve", "--as", "alice", "--listen", holder.LocalEndPoint!.ToString()!);

        outcome.ExpectOneLine(5, "in use", ((IPEndPoint)holder.LocalEndPoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task AddressOfAnotherMachineCannotBeBound() =>
        (await _workspace.RunAsync("serve", "--as", "alice", "--listen", "192.0.2.1:0")).ExpectOneLine(5, "192.0.2.1", "not an address of this machine");

    [Fact]
    public async Task WhatAProviderAnswersHasItsOwnExitCode()
    {
        var serving = await _workspace.ServeAsync("alice");

        (await CallAsync(serving.Address, "math.sub")).ExpectOneLine(9, "NoSuchProcedure", "math.sub");
        (await CallAsync(serving.Address, "math.add")).ExpectOneLine(10, "InvalidArgument", "numbers a and b");
        var clock = Stopwatch.StartNew();
        (await _workspace.RunAsync("call", "time.wait", "600", "--as", "bob", "--at", serving.Address, "--deadline", "1")).ExpectOneLine(8, "DeadlineExceeded");
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
        var asJson = (await CallAsync(serving.Address, "math.add", "--json")).Expect(10).Json();
        Assert.Equal("InvalidArgument", asJson.GetProperty("error").GetString());
        Assert.Equal("Started", asJson.GetProperty("handler").GetString());
        Assert.Equal(10, asJson.GetProperty("exit").GetInt32());
    }

    [Fact]
    public async Task MessageOfAFailedHandlerComesWithoutItsTraceAndOnOneLine()
    {
        var realm = RealmFile.Load(_workspace["alice/realm.json"], EcdsaP256Scheme.Instance);
        using var credentials = NodeCredentials.Load(
            _workspace["alice/node.crt"], _workspace["alice/node.key"], new RealmTrust(realm), WallTime.From(TimeProvider.System.GetUtcNow()));
        await using var provider = await MaculaPeer.StartAsync(new MaculaPeerOptions
        {
            Realm = realm,
            Credentials = credentials,
            Transport = new QuicTransport(),
            Endpoint = new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0) },
        });
        await provider.AdvertiseAsync("oven.heat", (_, _) => throw new InvalidOperationException("the oven\nis \e[31mbroken"));

        var outcome = await CallAsync(provider.LocalEndPoint.ToString(), "oven.heat");

        outcome.ExpectOneLine(10, "HandlerFailed", "the oven is", "broken");
        Assert.DoesNotContain('\e', outcome.Error);
        Assert.DoesNotContain(" at Macula.", outcome.Error, StringComparison.Ordinal);
    }

    private Task<ProgramOutcome> CallAsync(string at, string procedure, params string[] more) =>
        _workspace.RunAsync(["call", procedure, "--as", "bob", "--at", at, .. more]);
}
