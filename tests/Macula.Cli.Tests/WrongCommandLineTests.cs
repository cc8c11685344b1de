using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary>Command lines that cannot be obeyed: one line that says what is wrong, and exit code 2, before any file is read.</summary>
public sealed class WrongCommandLineTests
{
    private const string Call = "call echo 1 --as bob --at 127.0.0.1:9";

    [Theory]
    [InlineData("", "needs a command", "demo, realm, cert, node, gateway, serve, call, pub, sub, session, bench, sim, version", "Try 'macula --help'")]
    [InlineData("frobnicate", "no command 'frobnicate'")]
    [InlineData("realm", "'macula realm' needs a command: create, bootstrap, show")]
    [InlineData("realm creat", "no command 'creat'")]
    [InlineData("realm create", "needs NAME", "Try 'macula realm create --help'")]
    [InlineData("realm create Tenant_A", "'Tenant_A'", "lower-case DNS name")]
    [InlineData("realm create t --bootstrap nowhere", "'nowhere'", "host:port")]
    [InlineData("realm create t --bootstrap 0.0.0.0:9443", "'0.0.0.0:9443' cannot be dialled")]
    [InlineData("realm create .", "'.' cannot be used", "lower-case DNS name")]
    [InlineData("realm bootstrap 127.0.0.1:9", "needs --authority DIR")]
    [InlineData("realm bootstrap nowhere --authority a", "'nowhere'", "host:port")]
    [InlineData("cert issue alice", "needs --authority DIR")]
    [InlineData("cert issue Al!ce --authority a", "'Al!ce'", "lower-case letters")]
    [InlineData("cert issue alice --authority a --roles peer,king", "'king' is no role", "peer, gateway and bootstrap")]
    [InlineData("cert issue alice --authority a --days 0", "--days takes 1 to 3650")]
    [InlineData("cert issue alice --authority a --days soon", "--days takes a whole number, not 'soon'")]
    [InlineData("cert revoke alice --authority a --reason whim", "'whim'", "key-compromise")]
    [InlineData("node run", "needs --as DIR")]
    [InlineData("node walk", "'macula node' has no command 'walk'; it has run")]
    [InlineData("gateway", "'macula gateway' needs a command: run")]
    [InlineData("gateway run", "needs --as DIR")]
    [InlineData("gateway run --as gw --listen 9443", "'9443'", "127.0.0.1:9443")]
    [InlineData("gateway run --as gw --realm realm.json", "no option '--realm'")]
    [InlineData("serve", "needs --as DIR")]
    [InlineData("serve math.sub --as alice", "'math.sub'", "echo, math.add, time.now")]
    [InlineData("serve --as alice --listen 9443", "'9443'", "127.0.0.1:9443")]
    [InlineData("serve --as alice --listen 127.0.0.1", "'127.0.0.1'")]
    [InlineData("serve --as alice --listen 224.0.0.1:9443", "'224.0.0.1:9443' is no address to bind")]
    [InlineData("serve --as alice --listen 255.255.255.255:9443", "'255.255.255.255:9443' is no address to bind")]
    [InlineData("serve --as alice --address [ff02::1]:9443", "'[ff02::1]:9443'", "others could dial")]
    [InlineData("serve --as alice --dht both", "--dht does not take 'both'; it takes client, server")]
    [InlineData("serve --as alice --dht server", "--listen", "--address")]
    [InlineData("serve --as alice --dht server --listen 0.0.0.0:9443", "--listen", "--address")]
    [InlineData("serve --as alice --address 0.0.0.0:9443", "'0.0.0.0:9443'", "others could dial")]
    [InlineData("serve --as alice --address 127.0.0.1:0", "'127.0.0.1:0'", "others could dial")]
    [InlineData("serve --as alice --address mesh.example.org:9443", "'mesh.example.org:9443'")]
    [InlineData("serve --as alice --own-certificate forged", "--own-certificate does not take 'forged'; it takes required, skipped")]
    [InlineData("gateway run --as gw", "--listen", "--address")]
    [InlineData("serve --as alice --verbos", "no option '--verbos'")]
    public Task WrongCommandLineOfFilesAndServersIsSaidInOneLine(string commandLine, params string[] words) => ExpectOneLineAsync(commandLine, words);

    [Theory]
    [InlineData("call", "needs PROCEDURE and --as DIR")]
    [InlineData("call echo 1 2 --as bob --at 127.0.0.1:9", "does not take '2'")]
    [InlineData("call echo 1 --as bob --at", "--at needs a value")]
    [InlineData("call echo 1 --as bob --at 127.0.0.1:9 --at 127.0.0.1:9", "--at is given more than once")]
    [InlineData("call echo 1 --as bob --at 127.0.0.1", "'127.0.0.1'", "host:port")]
    [InlineData("call echo 1 --as bob --at 127.0.0.1:0", "'127.0.0.1:0'")]
    [InlineData("call echo 1 --as bob --at 0.0.0.0:9", "'0.0.0.0:9' cannot be dialled")]
    [InlineData("call echo 1 --as bob --at 239.1.2.3:9", "'239.1.2.3:9' cannot be dialled")]
    [InlineData("call echo 1 --as bob --at [::]:9", "'[::]:9' cannot be dialled")]
    [InlineData("call math..add 1 --as bob --at 127.0.0.1:9", "math..add", "procedure name")]
    [InlineData("call echo {a:5} --as bob --at 127.0.0.1:9", "{a:5}", "single quotes")]
    [InlineData(Call + " --deadline 0", "--deadline takes 0.001 to 86400 seconds")]
    [InlineData(Call + " --deadline 86401", "--deadline takes 0.001 to 86400 seconds")]
    [InlineData(Call + " --deadline NaN", "--deadline takes")]
    [InlineData(Call + " --deadline soon", "--deadline takes a number, not 'soon'")]
    [InlineData(Call + " --deadline 0,5", "--deadline takes a number, not '0,5'")]
    [InlineData(Call + " --node 00", "'00' is no node id")]
    [InlineData("demo --seconds 1", "--seconds takes 2 to 600 seconds")]
    [InlineData("demo --seconds NaN", "--seconds takes 2 to 600 seconds")]
    [InlineData("demo --seconds soon", "--seconds takes a number, not 'soon'")]
    [InlineData("pub", "needs TOPIC and --as DIR")]
    [InlineData("pub sensor.* 1 --as alice", "sensor.*")]
    [InlineData("pub sensor.load {a:5} --as alice", "{a:5}", "single quotes")]
    [InlineData("pub sensor.load --measure height --as alice", "--measure does not take 'height'; it takes load, memory")]
    [InlineData("pub sensor.load 1 --measure load --as alice", "not both")]
    [InlineData("pub sensor.load --every soon --as alice", "--every takes a number, not 'soon'")]
    [InlineData("pub sensor.load --every 0 --as alice", "--every takes 0.01 to 86400 seconds")]
    [InlineData("sub", "needs PATTERN and --as DIR")]
    [InlineData("sub sensor..x --as bob", "sensor..x")]
    [InlineData("sub sensor.*x --as bob", "sensor.*x")]
    [InlineData("sub sensor.* --as bob --count 0", "--count takes 1 to 1000000000")]
    [InlineData("sub sensor.* --as bob --for 1,5", "--for takes a number, not '1,5'")]
    [InlineData("sub sensor.* --as bob --for -1", "--for takes 0.1 to 86400 seconds")]
    [InlineData("session", "needs --as DIR")]
    [InlineData("session --as bob --dht both", "--dht does not take 'both'")]
    [InlineData("bench call --calls 0", "--calls takes 1 to 1000000")]
    [InlineData("sim --seed soon", "--seed takes a whole number, not 'soon'")]
    [InlineData("sim --nodes 3", "--nodes takes 4 to 1000")]
    [InlineData("sim --nodes 5", "--realms takes 1 to 8")]
    [InlineData("sim --seconds 60", "--seconds takes 80 to 3600")]
    [InlineData("bench call --seconds NaN", "--seconds takes 0.1 to 60")]
    public Task WrongCommandLineOfWhatAsksTheMeshIsSaidInOneLine(string commandLine, params string[] words) => ExpectOneLineAsync(commandLine, words);

    [Theory]
    [InlineData("realm", "show", "")]
    [InlineData("cert", "issue", "alice", "--authority", "")]
    [InlineData("call", "echo", "", "--as", "bob", "--at", "127.0.0.1:9")]
    public async Task EmptyWordIsSaidInOneLine(params string[] words)
    {
        var outcome = await MaculaProgram.RunAsync(Path.GetTempPath(), words);

        outcome.ExpectOneLine(2, "must not be empty");
    }

    [Theory]
    [InlineData("frobnicate --json")]
    [InlineData("call echo {a:5} --as bob --at 127.0.0.1:9 --json")]
    public async Task WrongCommandLineIsOneObjectForPrograms(string commandLine)
    {
        var outcome = (await MaculaProgram.RunAsync(Path.GetTempPath(), commandLine.Split(' '))).Expect(2);

        Assert.Equal("Usage", outcome.Json().GetProperty("error").GetString());
        Assert.NotEmpty(outcome.Json().GetProperty("message").GetString()!);
        Assert.Equal(2, outcome.Json().GetProperty("exit").GetInt32());
        Assert.Empty(outcome.Error);
    }

    [Theory]
    [InlineData("call", "echo", "1", "--as", "bob", "--at")]
    [InlineData("call", "--as", "bob")]
    [InlineData("pub", "--as", "bob")]
    [InlineData("cert", "issue", "--authority", "a")]
    [InlineData("realm", "create")]
    [InlineData("call", "echo", "1", "--as", "bob", "--node")]
    [InlineData("serve", "--as", "alice", "--listen")]
    [InlineData("version")]
    public async Task LongWordIsNotRepeatedAsAWhole(params string[] words)
    {
        var outcome = await MaculaProgram.RunAsync(Path.GetTempPath(), [.. words, new string('x', 100_000)]);

        outcome.ExpectOneLine(2, "xxx...");
        Assert.InRange(outcome.Error.Length, 1, 400);
    }

    [Fact]
    public async Task HintAboutTheShellIsGivenToThoseWhoNeedIt()
    {
        var deep = await MaculaProgram.RunAsync(Path.GetTempPath(), "call", "echo", new string('[', 1000), "--as", "bob");
        var twice = await MaculaProgram.RunAsync(Path.GetTempPath(), "call", "echo", """{"a":1,"a":2}""", "--as", "bob");

        Assert.DoesNotContain("quotes", deep.Expect(2).Error + twice.Expect(2).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NegativeNumberIsAnArgumentAndNoOption()
    {
        var outcome = await MaculaProgram.RunAsync(Path.GetTempPath(), "call", "echo", "-5", "--as", "missing-directory", "--at", "127.0.0.1:9");

        outcome.ExpectOneLine(4, "missing-directory");
    }

    private static async Task ExpectOneLineAsync(string commandLine, string[] words)
    {
        var outcome = await MaculaProgram.RunAsync(Path.GetTempPath(), commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        outcome.ExpectOneLine(2, words);
    }
}
