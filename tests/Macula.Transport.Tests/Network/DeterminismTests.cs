using System.Diagnostics;
using System.Net;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;

namespace Macula.Transport.Tests.Network;

/// <summary>The same seed does the same, to the byte, wherever it runs.</summary>
public sealed class DeterminismTests(ITestOutputHelper output)
{
    // Where a run in another process leaves its hash: the test starts its own program again for a single test.
    private const string TraceFileVariable = "MACULA_TEST_TRACE_FILE";
    private static readonly Link Bad = new() { Loss = 0.05, Jitter = TimeSpan.FromMilliseconds(25), Reordering = 0.1 };

    [Fact]
    public void SameSeedGivesTheSameTraceAndAnotherSeedAnother()
    {
        var (first, answered) = Trace(seed: 11);
        var (second, _) = Trace(seed: 11);
        var (other, _) = Trace(seed: 12);
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
        Assert.True(answered > 500, $"Only {answered} pings were answered.");
    }

    [Fact]
    public void OneFlippedBitChangesTheTrace() => Assert.NotEqual(Trace(seed: 11).Hash, Trace(seed: 11, flip: 1).Hash);

    [Fact]
    public void AFlippedBitOfWhatNeverArrivesChangesTheTrace()
    {
        Assert.Equal(Trace(1), Trace(1));
        Assert.NotEqual(Trace(1), Trace(2));

        static string Trace(byte content)
        {
            var world = new VirtualWorld(seed: 5);
            var network = new SimulatedNetwork(world);
            var from = network.AddHost(IPAddress.Parse("10.0.0.1"));
            var to = network.AddHost(IPAddress.Parse("10.0.0.2"));
            network.Cut(from, to);
            world.Run(
                async () =>
                {
                    await using var endpoint = await from.Transport.BindAsync(new EndpointOptions(), from.Scheduler);
                    Assert.True(endpoint.TrySendRaw([content], new IPEndPoint(to.Address, 9443)));
                },
                TimeSpan.FromSeconds(1));
            return world.TraceHash;
        }
    }

    [Fact]
    public void TraceOfOneRunIsWrittenForAnotherProcess()
    {
        var (hash, _) = Trace(seed: 11);
        Assert.Matches("^[0-9a-f]{32}$", hash);
        if (Environment.GetEnvironmentVariable(TraceFileVariable) is { } file)
        {
            File.WriteAllText(file, hash);
        }
    }

    [Fact]
    public async Task TwoProcessesGiveTheSameTrace()
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"trace-{Environment.ProcessId}.txt");
        var program = Path.Combine(AppContext.BaseDirectory, "Macula.Transport.Tests" + (OperatingSystem.IsWindows() ? ".exe" : ""));
        var start = new ProcessStartInfo(program, ["-method", $"{typeof(DeterminismTests).FullName}.{nameof(TraceOfOneRunIsWrittenForAnotherProcess)}"])
        {
            RedirectStandardOutput = true,
            Environment = { [TraceFileVariable] = file },
        };
        try
        {
            using var process = Process.Start(start)!;
            var report = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, report);
            Assert.Equal(Trace(seed: 11).Hash, await File.ReadAllTextAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void ThousandNodesPingEachOtherForAMinute()
    {
        var started = Stopwatch.GetTimestamp();
        var mesh = new PingMesh(seed: 3, nodes: 1_000, new Link { Loss = 0.01 });
        mesh.World.Run(
            async () =>
            {
                foreach (var host in mesh.Hosts)
                {
                    mesh.Start(host);
                }

                await Task.Delay(TimeSpan.FromSeconds(60), mesh.World.Time);
            },
            TimeSpan.FromSeconds(61));
        var wall = Stopwatch.GetElapsedTime(started);
        output.WriteLine($"{mesh.Answered} pings answered, {mesh.Failed} failed, {mesh.World.Steps} steps, {wall.TotalSeconds:0.00} s, {mesh.World.Steps / wall.TotalSeconds:N0} steps/s");
        Assert.InRange(mesh.Answered, 45_000, 60_000);
        Assert.True(mesh.Failed < mesh.Answered / 10, $"{mesh.Failed} pings failed.");
    }

    // A run with everything in it: loss, reordering, partitions, crashes, restarts.
    private static (string Hash, long Answered) Trace(ulong seed, byte flip = 0)
    {
        var mesh = new PingMesh(seed, nodes: 20, Bad) { Flip = flip };
        mesh.World.Run(
            async () =>
            {
                foreach (var host in mesh.Hosts)
                {
                    mesh.Start(host);
                }

                await Task.Delay(TimeSpan.FromSeconds(20), mesh.World.Time);
                mesh.Network.Partition([.. mesh.Hosts.Take(10)], [.. mesh.Hosts.Skip(10)]);
                mesh.Hosts[4].Crash();
                await Task.Delay(TimeSpan.FromSeconds(30), mesh.World.Time);
                mesh.Network.Heal();
                mesh.Hosts[4].Restart();
                mesh.Start(mesh.Hosts[4]);
                mesh.Network.Cut(mesh.Hosts[0], mesh.Hosts[1], LinkWays.FirstToSecond);
                await Task.Delay(TimeSpan.FromSeconds(60), mesh.World.Time);
            },
            TimeSpan.FromMinutes(3));
        return (mesh.World.TraceHash, mesh.Answered);
    }
}
