using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.Testing.Realms;
using Macula.Testing.Simulation;
using Macula.Testing.VirtualTime;
using Macula.Wire.Time;

namespace Macula.Simulation.Tests;

/// <summary>Whole meshes under faults, from fixed seeds and from fresh ones.</summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    private const string FreshSeedsVariable = "MACULA_SIMULATION_SEEDS";

    // When the variable says nothing: as many as fit into a pause.
    private const int FreshSeedsByDefault = 10;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(13)]
    public void EveryInvariantHoldsWithAFixedSeed(ulong seed) => ExpectNoViolation(MeshSimulation.Run(new SimulationOptions { Seed = seed }));

    [Theory]
    [InlineData(1, 8)]
    [InlineData(3, 12)]
    public void EveryInvariantHoldsInOneRealmOrInThree(int realms, int nodes) =>
        ExpectNoViolation(MeshSimulation.Run(new SimulationOptions { Seed = 5, Realms = realms, Nodes = nodes }));

    [Fact]
    public void AGatewayThatIsStoppingWhenFaultsEndComesBack() =>
        ExpectNoViolation(MeshSimulation.Run(new SimulationOptions { Seed = 1362513749, Faults = Honest }));

    // While streams are corrupted, who breaks the protocol cannot be told from who was made to; so half of the runs go without.
    private const SimulationFaults Honest = SimulationFaults.All & ~SimulationFaults.Corruption;

    [Fact]
    public void EveryInvariantHoldsWithFreshSeeds()
    {
        var count = Environment.GetEnvironmentVariable(FreshSeedsVariable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : FreshSeedsByDefault;
        var first = (ulong)RandomNumberGenerator.GetInt32(int.MaxValue);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var reports = new ConcurrentBag<SimulationReport>();

        // A world belongs to the thread that runs it; two of them on two processors do not meet.
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, number =>
            reports.Add(MeshSimulation.Run(new SimulationOptions { Seed = first + (ulong)number, Faults = number % 2 == 0 ? SimulationFaults.All : Honest })));

        output.WriteLine($"{count} seeds from {first} on in {System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
        ExpectNoViolation([.. reports]);
    }

    [Theory]
    [InlineData(9)]
    [InlineData(310)]
    [InlineData(311)]
    public void ARunWithoutFaultsHasEachCallAnsweredAndEachEventDelivered(ulong seed)
    {
        var report = MeshSimulation.Run(new SimulationOptions { Seed = seed, Nodes = 10, Faults = SimulationFaults.None });

        ExpectNoViolation(report);
        Assert.DoesNotContain(report.Counts.Keys, name => name.StartsWith("fault ", StringComparison.Ordinal) || name is "Killed" or "call error ConnectionLost" or "call error Unreachable");
        Assert.True(report.Counts["Delivered"] > report.Counts["Published"] / 2, "Hardly any event was delivered.");
        Assert.True(report.Counts["call Returned"] > report.Counts["CallStarted"] / 2, "Hardly any call returned.");
    }

    [Fact]
    public void ANodeThatGotIntoTheWrongRealmIsFound()
    {
        MaculaPeerOptions? stolen = null;
        string? thief = null;
        var report = MeshSimulation.Run(new SimulationOptions
        {
            Seed = 3,
            Nodes = 8,
            Faults = SimulationFaults.None,
            Duration = TimeSpan.FromSeconds(80),
            Configure = (name, options) =>
            {
                stolen ??= name.StartsWith('b') ? options : null;
                thief ??= stolen is not null && name.StartsWith('a') ? name : null;
                return name == thief ? options with { Realm = stolen!.Realm, Credentials = stolen.Credentials } : options;
            },
        });

        Assert.Contains(report.Violations, violation => violation.Invariant == 2 && violation.Node == thief);
        Assert.Contains(report.Violations, violation => violation.Invariant == 5);
    }

    [Fact]
    public void NodesThatLetASpySubscribeAreFound()
    {
        // The same draws make the same authority; the policy that it begins with lets every peer subscribe.
        const ulong Seed = 3;
        var world = new VirtualWorld(Seed);
        using var realm = new TestRealm("tenant-a", KeyedHashScheme.Instance, world.Random.Fork("realm a"), WallTime.From(world.Time.GetUtcNow()));
        var report = MeshSimulation.Run(new SimulationOptions
        {
            Seed = Seed,
            Nodes = 8,
            Realms = 1,
            Faults = SimulationFaults.None,
            Duration = TimeSpan.FromSeconds(80),
            Configure = (_, options) => options.Realm.Id == realm.File.Id ? options with { Realm = realm.File } : throw new InvalidOperationException("It is another realm."),
        });

        Assert.Contains(report.Violations, violation => violation.Invariant == 3 && violation.Sentence.Contains("must not have it", StringComparison.Ordinal));
        Assert.Contains(report.Violations, violation => violation.Invariant == 3 && violation.Sentence.Contains("which is forbidden", StringComparison.Ordinal));
    }

    [Fact]
    public void ATimerThatOutlivesItsNodeIsFound()
    {
        var report = MeshSimulation.Run(new SimulationOptions
        {
            Seed = 3,
            Nodes = 4,
            Realms = 1,
            Faults = SimulationFaults.None,
            Duration = TimeSpan.FromSeconds(80),
            Configure = static (name, options) =>
            {
                if (name == "a02")
                {
                    options.Scheduler!.Time.CreateTimer(static _ => { }, null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
                }

                return options;
            },
        });

        var violation = Assert.Single(report.Violations);
        Assert.Equal((7, "a02"), (violation.Invariant, violation.Node));
    }

    [Fact]
    public void ANodeThatBelievesEverySignatureIsFound()
    {
        string? believer = null;
        var report = MeshSimulation.Run(new SimulationOptions
        {
            Seed = 4,
            Nodes = 6,
            Realms = 1,
            Faults = SimulationFaults.None,
            Duration = TimeSpan.FromSeconds(80),
            Configure = (name, options) =>
            {
                believer ??= options.Dht.Mode == DhtMode.Server ? name : null;
                return name == believer ? options with { Realm = RealmFile.Parse(options.Realm.ToUtf8(), "realm", new CredulousScheme()) } : options;
            },
        });

        Assert.Contains(report.Violations, violation => violation.Invariant == 5 && violation.Node == believer && violation.Sentence.Contains("The signature is not", StringComparison.Ordinal));
    }

    [Fact]
    public void ARunInWhichNothingHappensIsFound()
    {
        var nowhere = new DhtOptions { Bootstraps = [BootstrapAddress.Parse("10.255.0.1:9443")], RecordTimeToLive = TimeSpan.FromMinutes(1) };
        var report = MeshSimulation.Run(new SimulationOptions
        {
            Seed = 1,
            Nodes = 4,
            Realms = 1,
            Faults = SimulationFaults.None,
            Duration = TimeSpan.FromSeconds(80),
            Configure = (_, options) => options with { Dht = nowhere },
        });

        Assert.Contains(report.Violations, violation => violation.Sentence.Contains("The run shows little: Delivered", StringComparison.Ordinal));
    }

    [Fact]
    public void CorruptedStreamsEndAndNothingElse()
    {
        var report = MeshSimulation.Run(new SimulationOptions { Seed = 6, Nodes = 10, Faults = SimulationFaults.Corruption });

        ExpectNoViolation(report);
        Assert.NotEqual(0, report.Counts["protocol violated"]);
        Assert.True(report.Counts["call Returned"] > report.Counts["CallStarted"] / 2, "Hardly any call returned.");
    }

    [Fact]
    public void AReportNamesTheCommandThatReplaysItsRun()
    {
        var usual = new SimulationOptions { Seed = 42 };
        var other = new SimulationOptions { Seed = 43, Nodes = 9, Realms = 3, Duration = TimeSpan.FromSeconds(90), Faults = SimulationFaults.Kills | SimulationFaults.Loss };

        Assert.Equal("./macula sim --seed 42", ReportOf(usual).ReplayCommand);
        Assert.Equal("./macula sim --seed 43 --nodes 9 --realms 3 --seconds 90 --faults kills,loss", ReportOf(other).ReplayCommand);
        Assert.EndsWith(" --faults none", ReportOf(usual with { Faults = SimulationFaults.None }).ReplayCommand, StringComparison.Ordinal);

        static SimulationReport ReportOf(SimulationOptions options) => new(options, "", TimeSpan.Zero, [], new Dictionary<string, long>());
    }

    [Fact]
    public void AllKindsOfFaultsHappen()
    {
        var kinds = Enum.GetValues<SimulationFaults>().Where(kind => kind is not (SimulationFaults.None or SimulationFaults.All));

        var report = MeshSimulation.Run(new SimulationOptions { Seed = 1, Nodes = 6, Realms = 1, Duration = TimeSpan.FromMinutes(4) });

        Assert.All(kinds, kind => Assert.True(report.Counts.ContainsKey($"fault {kind}"), $"No fault of the kind {kind} happened."));
    }

    [Fact]
    public void TheSameSeedGivesTheSameRunAndAnotherAnother()
    {
        Assert.Equal(Trace(7), Trace(7));
        Assert.NotEqual(Trace(7), Trace(8));

        static string Trace(ulong seed) => MeshSimulation.Run(new SimulationOptions { Seed = seed, Nodes = 8, Duration = TimeSpan.FromSeconds(90) }).TraceHash;
    }

    private static void ExpectNoViolation(params SimulationReport[] reports)
    {
        var bad = reports.Where(report => report.Violations.Count > 0).OrderBy(report => report.Seed).ToArray();
        Assert.True(bad.Length == 0, $"{bad.Length} of {reports.Length} runs violated an invariant.\n{string.Join('\n', bad.Select(Describe))}");
    }

    private static string Describe(SimulationReport report) =>
        $"seed {report.Seed} ({report.ReplayCommand}):\n  {string.Join("\n  ", report.Violations.Take(10))}";
}
