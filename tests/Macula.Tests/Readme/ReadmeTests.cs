using System.Net;
using System.Runtime.CompilerServices;
using Macula.Dht;
using Macula.Identity.Realm;
using Macula.Tests.Meshes;
using Macula.Wire.Frames;

namespace Macula.Tests.Readme;

/// <summary>README.md shows code that compiles and does what the page says.</summary>
public sealed class ReadmeTests
{
    private const int Indentation = 8;

    [Fact]
    public void ReadmeShowsTheCodeThatIsCompiledHere()
    {
        var sample = Path.Combine(Folder(), "FirstPeer.cs");
        var lines = File.ReadLines(sample).SkipWhile(line => line.Trim() != "// README begins").Skip(1).TakeWhile(line => line.Trim() != "// README ends");
        var compiled = string.Join('\n', lines.Select(line => line.Length > Indentation ? line[Indentation..] : ""));

        var shown = File.ReadAllText(Path.Combine(Folder(), "..", "..", "..", "README.md")).Split("```csharp\n")[1].Split("\n```")[0];

        Assert.Equal(compiled, shown);
    }

    [Fact]
    public void CodeOfTheReadmePrintsTheSumAndWhatIsMeasured() => new LoopbackRunner().Run(async mesh =>
    {
        var directory = Directory.CreateTempSubdirectory("macula-readme-").FullName;
        try
        {
            var realm = mesh.Found("tenant-a");
            var boot = await mesh.StartAsync(realm, "boot", static options => options with { Dht = new DhtOptions { Mode = DhtMode.Server, Bootstraps = [] } });
            var file = realm.File.WithBootstraps([BootstrapAddress.Parse(boot.LocalEndPoint.ToString())]);
            var alice = await mesh.StartAsync(realm, "alice", options => options with { Realm = file });
            await using var advertisement = await alice.AdvertiseAsync("math.add", (call, _) =>
            {
                var argument = call.Argument.ToValue();
                Assert.True(argument.TryGet("a", out var a) && argument.TryGet("b", out var b) && (a.AsInt32(), b.AsInt32()) == (5, 3));
                return ValueTask.FromResult(Payload.FromValue(8));
            });
            await advertisement.WaitUntilPublishedAsync();
            using (var bob = realm.Issue("bob", mesh.WallNow))
            {
                bob.Save($"{directory}/node.crt", $"{directory}/node.key");
                file.Save($"{directory}/realm.json");
            }

            var output = new StringWriter();
            var running = FirstPeer.RunAsync(directory, new IPEndPoint(IPAddress.Loopback, 0), output);
            while (!running.IsCompleted)
            {
                await alice.PublishAsync("sensor.load", 0.5);
                await Task.Delay(TimeSpan.FromMilliseconds(20), mesh.Time);
            }

            await running;
            var lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal($"8 from alice, direct {alice.LocalEndPoint}", lines[0]);
            Assert.Equal(Enumerable.Repeat("sensor.load: 0.5 from alice", 3), lines[1..]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    });

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
