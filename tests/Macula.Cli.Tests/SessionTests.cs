using System.Text.Json;
using Macula.Cli.Tests.Support;
using Macula.Identity.Names;
using Macula.Identity.Realm;

namespace Macula.Cli.Tests;

/// <summary><c>macula session</c>, <c>pub</c> and <c>sub</c>, from the outside.</summary>
public sealed class SessionTests : IAsyncDisposable
{
    private readonly Workspace _workspace = new();

    public SessionTests()
    {
        _workspace.Found("tenant-a");
        _workspace.Issue("tenant-a", "gw", roles: NodeRoles.Gateway | NodeRoles.Bootstrap);
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Fact]
    public async Task SessionCallsAndAnswersUnderTheIdsOfItsRequests()
    {
        await StartGatewayAsync("alice", "bob");
        var serving = await _workspace.ServeAsync("alice");
        await serving.WaitForEventAsync("published");
        using var session = Start("bob");

        await session.WriteAsync("""{"id":"wait","call":"time.wait","argument":0.5}""", """{"id":2,"call":"math.add","argument":{"a":5,"b":3}}""", $$"""{"id":3,"call":"echo","argument":"x","at":"{{serving.Address}}"}""");
        session.EndInput();
        var answers = await session.ReadToEndAsync();

        Assert.Equal(0, session.ExitCode);
        Assert.Equal("ready", answers[0].GetProperty("event").GetString());
        Assert.Equal(0.5, Single(answers, "\"wait\"").GetProperty("result").GetDouble());
        Assert.Equal(8, Single(answers, "2").GetProperty("result").GetInt32());
        Assert.Equal(serving.Announcement.GetProperty("id").GetString(), Single(answers, "2").GetProperty("provider").GetString());
        Assert.Equal("x", Single(answers, "3").GetProperty("result").GetString());
    }

    [Theory]
    [InlineData("not json", "one JSON object")]
    [InlineData("[1]", "one JSON object")]
    [InlineData("""{"id":1}""", "call, publish, subscribe and unsubscribe")]
    [InlineData("""{"id":{},"call":"echo"}""", "An id is")]
    [InlineData("""{"id":1,"call":"math..add"}""", "math..add")]
    [InlineData("""{"id":1,"call":7}""", "holds a string")]
    [InlineData("""{"id":1,"call":"echo","arguments":1}""", "no field 'arguments'", "argument, at, node, deadline")]
    [InlineData("""{"id":1,"call":"echo","deadline":0}""", "deadline takes 0.001 to 86400")]
    [InlineData("""{"id":1,"call":"echo","deadline":"soon"}""", "number of seconds")]
    [InlineData("""{"id":1,"call":"echo","node":"00"}""", "'00' is no node id")]
    [InlineData("""{"id":1,"call":"echo","at":"nowhere"}""", "'nowhere'")]
    [InlineData("""{"id":1,"publish":"sensor.*","value":1}""", "sensor.*")]
    [InlineData("""{"subscribe":"sensor.*"}""", "needs an id")]
    [InlineData("""{"id":1,"subscribe":"sensor..x"}""", "sensor..x")]
    [InlineData("""{"id":1,"unsubscribe":9}""", "id 9")]
    [InlineData("""{"id":1,"call":"echo","at":"0.0.0.0:9443"}""", "'0.0.0.0:9443'", "cannot be dialled")]
    [InlineData("""{"id":1,"call":"\ud800"}""", "half of a surrogate pair")]
    [InlineData("""{"id":1,"\ud800":1}""", "half of a surrogate pair")]
    [InlineData("""{"id":1,"publish":"sensor.load","value":"\ud800"}""", "field value", "half of a surrogate pair")]
    [InlineData("""{"id":1,"publish":"sensor.load","value":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""", "field value", "nest too deep")]
    public async Task WrongLineIsAnsweredAndTheSessionGoesOn(string line, params string[] words)
    {
        _workspace.Issue("tenant-a", "bob");
        using var session = Start("bob");

        await session.WriteAsync(line, "", """{"id":"next"}""");
        session.EndInput();
        var answers = (await session.ReadToEndAsync()).Where(answer => !answer.TryGetProperty("event", out _)).ToArray();

        Assert.Equal(0, session.ExitCode);
        Assert.Equal(2, answers.Length);
        Assert.All(answers, answer => Assert.Equal("Usage", answer.GetProperty("error").GetString()));
        Assert.All(words, word => Assert.Contains(word, answers[0].GetProperty("message").GetString(), StringComparison.Ordinal));
        Assert.Equal("next", answers[1].GetProperty("id").GetString());
    }

    [Fact]
    public async Task LineThatIsNoUtf8IsAnsweredAndTheSessionGoesOn()
    {
        _workspace.Issue("tenant-a", "bob");
        using var session = Start("bob");

        await session.WriteAsync("{\"id\":\""u8.ToArray(), [0xff], "\",\"call\":\"echo\"}\n"u8.ToArray());
        await session.WriteAsync("""{"id":"next"}""");
        session.EndInput();
        var answers = (await session.ReadToEndAsync()).Where(answer => !answer.TryGetProperty("event", out _)).ToArray();

        Assert.Equal(0, session.ExitCode);
        Assert.Contains("UTF-8", answers[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("next", answers[1].GetProperty("id").GetString());
    }

    [Fact]
    public async Task LineThatIsTooLongEndsTheSession()
    {
        _workspace.Issue("tenant-a", "bob");
        using var session = Start("bob");

        await Assert.ThrowsAnyAsync<IOException>(() => session.WriteAsync(new string(' ', 9 << 20), "{}"));
        await session.ReadToEndAsync();

        Assert.Equal(2, session.ExitCode);
        Assert.Contains("longer than", await session.ReadErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SessionEndsAtSigterm()
    {
        _workspace.Issue("tenant-a", "bob");
        var session = await _workspace.StartAsync("session", "--as", "bob", "--json");

        Assert.InRange(await session.TerminateAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, session.ExitCode);
    }

    [Fact]
    public async Task EventsOfPubReachSubAndSession()
    {
        await StartGatewayAsync("alice", "bob", "carol");
        var sub = await _workspace.StartAsync("sub", "sensor.*", "--as", "bob", "--count", "2", "--json");
        using var session = Start("carol");
        await session.WriteAsync("""{"id":3,"subscribe":"sensor.door"}""");
        await session.ReadUntilAsync("subscribed");

        var first = (await _workspace.RunAsync("pub", "sensor.door", """{"open":true}""", "--as", "alice", "--json")).Expect(0);
        var second = (await _workspace.RunAsync("pub", "sensor.load", "--measure", "load", "--as", "alice")).Expect(0);
        var happened = await session.ReadUntilAsync("topic");
        await session.WriteAsync("""{"id":4,"unsubscribe":3}""", """{"id":5,"publish":"other.topic","value":1}""");
        session.EndInput();
        var answers = await session.ReadToEndAsync();

        Assert.Equal("subscribed", sub.Announcement.GetProperty("event").GetString());
        var events = await sub.ReadToEndAsync();
        Assert.Equal(["sensor.door", "sensor.load"], events.Select(line => line.GetProperty("topic").GetString()!));
        Assert.Equal("""{"open":true}""", events[0].GetProperty("value").GetRawText());
        Assert.Equal("alice", events[0].GetProperty("publisherName").GetString());
        Assert.Equal(0, sub.ExitCode);
        Assert.Equal(2, JsonDocument.Parse(first.OutputLines[1]).RootElement.GetProperty("subscribers").GetInt32());
        Assert.Contains("to 1 subscriber", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', second.Output);
        Assert.Equal((3, "sensor.door"), (happened.GetProperty("id").GetInt32(), happened.GetProperty("topic").GetString()));
        Assert.Equal(0, Single(answers, "4").GetProperty("droppedEvents").GetInt32());
        Assert.Equal(0, Single(answers, "5").GetProperty("subscribers").GetInt32());
    }

    [Fact]
    public async Task SubEndsAfterItsTimeAndAtSigterm()
    {
        await StartGatewayAsync("bob", "carol");

        var timed = await _workspace.RunAsync("sub", "**", "--as", "bob", "--for", "0.2");
        var endless = await _workspace.StartAsync("sub", "sensor.*", "--as", "carol", "--json");

        Assert.Equal("Subscribed to **.\n", timed.Expect(0).Error);
        Assert.InRange(await endless.TerminateAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, endless.ExitCode);
    }

    [Fact]
    public async Task PubWithoutARealmHasItsOwnExitCode()
    {
        _workspace.Issue("tenant-a", "alice");

        (await _workspace.RunAsync("pub", "sensor.door", "1", "--as", "alice")).ExpectOneLine(11, "names no bootstrap");
    }

    private static JsonElement Single(JsonElement[] answers, string id) => Assert.Single(answers, answer => answer.TryGetProperty("id", out var given) && given.GetRawText() == id);

    private SessionDriver Start(string node) => new(MaculaProgram.Start(_workspace.Directory, ["session", "--as", node]));

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
