using System.Diagnostics;
using System.Globalization;
using System.Net;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Cli.Processes;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Transport.Execution;
using Macula.Transport.Quic;
using Macula.Wire.Frames;

namespace Macula.Cli.Benchmarks;

/// <summary>Measures calls between this process and another one: every layer from the public API to the socket, both ways.</summary>
internal static class CallBenchmark
{
    private const int ArgumentBytes = 64;
    private const int InFlight = 64;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    // The runtime compiles hot methods a second time after some 30 calls and in the background; this many calls see the final code.
    private const int WarmUpCalls = 20_000;

    /// <summary>Runs the benchmark and prints its figures.</summary>
    public static async Task RunAsync(CallBenchmarkPlan plan, OutputForm form, CancellationToken cancellationToken)
    {
        using var directory = TemporaryDirectory.Create("macula-bench-");
        var realm = CreateRealm();
        using var provider = Issue(realm, "provider");
        using var caller = Issue(realm, "caller");
        var files = new NodeDirectory(Path.Combine(directory.Path, "provider"));
        Directory.CreateDirectory(files.Path);
        provider.Save(files.CertificatePath, files.KeyPath);
        realm.Realm.Save(files.RealmFilePath);

        await using var serving = ChildProcess.Start(ProgramPath.Own, "provider", ["serve", "echo", "--as", files.Path, "--listen", "127.0.0.1:0", "--until-eof", "--json"]);
        var address = await AddressOfAsync(serving, cancellationToken);
        await using var peer = await MaculaPeer.StartAsync(
            new MaculaPeerOptions { Realm = realm.Realm, Credentials = caller, Transport = new QuicTransport() },
            cancellationToken);
        await MeasureAsync(peer, new CallOptions { At = address }, plan, form, cancellationToken);
    }

    private static async Task<IPEndPoint> AddressOfAsync(ChildProcess serving, CancellationToken cancellationToken)
    {
        try
        {
            var announced = await serving.WaitForEventAsync("serving", cancellationToken).WaitAsync(StartTimeout, cancellationToken);
            return IPEndPoint.Parse(announced.GetProperty("address").GetString()!);
        }
        catch (Exception exception) when (exception is TimeoutException or EndOfStreamException)
        {
            throw new CommandFailure(ExitCode.Failure, $"The serving process did not come up: {string.Join(" / ", serving.LastLines)}");
        }
    }

    private static async Task MeasureAsync(MaculaPeer peer, CallOptions options, CallBenchmarkPlan plan, OutputForm form, CancellationToken cancellationToken)
    {
        var argument = Payload.FromBytes(new byte[ArgumentBytes]);
        await RunInFlightAsync(peer, argument, options, calls => calls < WarmUpCalls, cancellationToken);
        var medians = new List<double>();
        var tails = new List<double>();
        var rates = new List<double>();
        for (var round = 0; round < plan.Rounds; round++)
        {
            var samples = new double[plan.Calls];
            for (var call = 0; call < plan.Calls; call++)
            {
                var start = Stopwatch.GetTimestamp();
                await peer.CallAsync("echo", argument, options, cancellationToken);
                samples[call] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            }

            Array.Sort(samples);
            medians.Add(samples[samples.Length / 2]);
            tails.Add(samples[Math.Min(samples.Length - 1, samples.Length * 99 / 100)]);
            var clock = Stopwatch.StartNew();
            var calls = await RunInFlightAsync(peer, argument, options, _ => clock.Elapsed < plan.RateTime, cancellationToken);
            rates.Add(calls / clock.Elapsed.TotalSeconds);
        }

        Print("call.roundtrip.p50", "us", medians, form);
        Print("call.roundtrip.p99", "us", tails, form);
        Print($"call.rate.{InFlight}-in-flight", "calls/s", rates, form);
    }

    private static async Task<int> RunInFlightAsync(
        MaculaPeer peer, Payload argument, CallOptions options, Func<int, bool> goOn, CancellationToken cancellationToken)
    {
        var calls = 0;
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
        {
            while (goOn(Volatile.Read(ref calls)))
            {
                await peer.CallAsync("echo", argument, options, cancellationToken);
                Interlocked.Increment(ref calls);
            }
        }));
        return calls;
    }

    private static void Print(string name, string unit, List<double> samples, OutputForm form)
    {
        var median = samples.Order().ElementAt(samples.Count / 2);
        if (form == OutputForm.Json)
        {
            JsonLine.Write(("name", name), ("value", median), ("unit", unit), ("samples", samples));
        }
        else
        {
            Terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-26} {median,12:N1} {unit,-8} ({string.Join(", ", samples.Select(sample => sample.ToString("N1", CultureInfo.InvariantCulture)))})"));
        }
    }

    private static RealmAuthority CreateRealm() =>
        RealmAuthority.Create(RealmName.Parse("bench"), EcdsaP256Scheme.Instance, new SystemRandomSource(), SystemTime.Now);

    private static NodeCredentials Issue(RealmAuthority authority, string name)
    {
        var key = EcdsaP256Scheme.Instance.CreateKey(new SystemRandomSource());
        var request = new NodeCertificateRequest(NodeName.Parse(name), NodeRoles.Peer, key.SubjectPublicKeyInfo);
        return new NodeCredentials(authority.Issue(request, new SystemRandomSource(), SystemTime.Now), key);
    }
}
