using System.Runtime.CompilerServices;
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
    public void CodeOfTheReadmeCallsAndPrintsTheSum() => new LoopbackRunner().Run(async mesh =>
    {
        var directory = Directory.CreateTempSubdirectory("macula-readme-").FullName;
        try
        {
            var realm = mesh.Found("tenant-a");
            var alice = await mesh.StartAsync(realm, "alice");
            await alice.AdvertiseAsync("math.add", (call, _) =>
            {
                var argument = call.Argument.ToValue();
                Assert.True(argument.TryGet("a", out var a) && argument.TryGet("b", out var b) && (a.AsInt32(), b.AsInt32()) == (5, 3));
                return ValueTask.FromResult(Payload.FromValue(8));
            });
            using (var bob = realm.Issue("bob", mesh.WallNow))
            {
                bob.Save($"{directory}/node.crt", $"{directory}/node.key");
                realm.File.Save($"{directory}/realm.json");
            }

            var output = new StringWriter();
            await FirstPeer.RunAsync(directory, alice.LocalEndPoint, output);

            Assert.Equal($"8 from alice, direct {alice.LocalEndPoint}{Environment.NewLine}", output.ToString());
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    });

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
