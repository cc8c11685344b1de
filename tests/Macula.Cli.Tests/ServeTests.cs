using System.Diagnostics;
using System.Text.Json;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary>How a serving node ends, and what its callers then see.</summary>
public sealed class ServeTests : IAsyncDisposable
{
    private readonly Workspace _workspace = new();

    public ServeTests()
    {
        _workspace.Found("tenant-a");
        _workspace.Issue("tenant-a", "alice");
        _workspace.Issue("tenant-a", "bob");
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    [Fact]
    public async Task AnnouncementNamesWhatIsProvided()
    {
        var serving = await _workspace.ServeAsync("alice");

        Assert.Equal("serving", serving.Announcement.GetProperty("event").GetString());
        Assert.Equal("alice", serving.Announcement.GetProperty("node").GetString());
        Assert.Equal(["echo", "math.add", "time.now", "time.wait"], serving.Announcement.GetProperty("procedures").EnumerateArray().Select(name => name.GetString()!));
        Assert.EndsWith("Z\"\n", (await CallAsync(serving, "time.now")).Expect(0).Output.Replace("+00:00", "Z", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServingEndsAtSigtermWithinFiveSeconds()
    {
        var serving = await _workspace.ServeAsync("alice");
        (await CallAsync(serving, "echo")).Expect(0);

        Assert.InRange(await serving.TerminateAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, serving.ExitCode);
    }

    [Fact]
    public async Task CallThatRunsFinishesWhenItsProviderIsToldToStop()
    {
        var serving = await _workspace.ServeAsync("alice");
        var running = CallAsync(serving, "time.wait", "2");

        // The call follows within a round trip once its connection is up, and then takes 2 s; starting another process takes many round trips.
        await serving.WaitForLogAsync("(bob)", "is up");
        _workspace.Issue("tenant-a", "carol");
        (await _workspace.RunAsync("call", "echo", "--as", "carol", "--at", serving.Address)).Expect(0);
        var ended = await serving.TerminateAsync();

        Assert.Equal("2\n", (await running).Expect(0).Output);
        Assert.InRange(ended, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(0, serving.ExitCode);
    }

    [Fact]
    public async Task CallFailsInTimeWhenItsProviderIsKilledAndTheNextOneSucceeds()
    {
        var first = await _workspace.ServeAsync("alice");
        var clock = Stopwatch.StartNew();
        var running = CallAsync(first, "time.wait", "600", "--deadline", "4", "--json");
        await first.WaitForLogAsync("(bob)", "is up");

        await first.KillAsync();
        var failed = await running;
        var elapsed = clock.Elapsed;
        var second = await _workspace.ServeAsync("alice", first.Address);
        var next = await CallAsync(second, "math.add", """{"a":5,"b":3}""");

        Assert.True(failed.ExitCode is 6 or 8, failed.ToString());
        Assert.Contains(failed.Json().GetProperty("error").GetString(), (string[])["DeadlineExceeded", "ConnectionLost", "Unreachable"]);
        Assert.Equal(failed.ExitCode, failed.Json().GetProperty("exit").GetInt32());
        // The deadline counts from the call; starting and ending the process come on top.
        Assert.InRange(elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(4 + 4));
        Assert.Equal("8\n", next.Expect(0).Output);
        Assert.Equal(JsonValueKind.String, second.Announcement.GetProperty("id").ValueKind);
    }

    private Task<ProgramOutcome> CallAsync(ServingNode at, string procedure, string argument = "null", params string[] more) =>
        _workspace.RunAsync(["call", procedure, argument, "--as", "bob", "--at", at.Address, .. more]);
}
