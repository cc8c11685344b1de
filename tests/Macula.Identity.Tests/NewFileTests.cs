using System.Diagnostics;
using Macula.Identity.Credentials;
using Macula.Identity.Files;
using Macula.Identity.Tests.Support;

namespace Macula.Identity.Tests;

/// <summary>[ID-24]: a new file is made once, for its owner alone, and never over another.</summary>
public sealed class NewFileTests : IDisposable
{
    private const int Rounds = 200;

    private readonly TestRealm _realm = new();
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _realm.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void OfTwoWritersAtOnceExactlyOneWins()
    {
        using var first = NewCredentials();
        using var second = NewCredentials("node-2");
        using var start = new Barrier(2);
        for (var round = 0; round < Rounds; round++)
        {
            var keyPath = _directory[$"{round}.key"];
            var certificates = new[] { _directory[$"{round}.first.pem"], _directory[$"{round}.second.pem"] };
            var faults = new FileFault?[2];
            var other = new Thread(() => faults[1] = Save(second, certificates[1], keyPath, start));
            other.Start();
            faults[0] = Save(first, certificates[0], keyPath, start);
            other.Join();

            var winner = Assert.Single([0, 1], index => faults[index] is null);
            Assert.Equal(FileFault.AlreadyExists, faults[1 - winner]);
            Assert.False(File.Exists(certificates[1 - winner]));
            using var loaded = NodeCredentials.Load(certificates[winner], keyPath, _realm.Trust, TestRealm.Start);
            Assert.Equal((winner == 0 ? first : second).Identity.NodeId, loaded.Identity.NodeId);
            Assert.Equal(FileModes.OwnerOnly, FileModes.Of(keyPath));
        }

        Assert.Equal(2 * Rounds, Directory.GetFiles(_directory["."]).Length);
    }

    [Fact]
    public void PartOfAFileIsRefusedAsDamagedAndStaysAsItIs()
    {
        using var credentials = NewCredentials();
        credentials.Save(_directory["node.pem"], _directory["node.key"]);
        var part = File.ReadAllBytes(_directory["node.key"])[..40];
        File.WriteAllBytes(_directory["node.key"], part);
        var load = Assert.Throws<IdentityFileException>(
            () => NodeCredentials.Load(_directory["node.pem"], _directory["node.key"], _realm.Trust, TestRealm.Start));
        Assert.Equal(FileFault.Malformed, load.Fault);
        var save = Assert.Throws<IdentityFileException>(() => credentials.Save(_directory["other.pem"], _directory["node.key"]));
        Assert.Equal(FileFault.AlreadyExists, save.Fault);
        Assert.Equal(part, File.ReadAllBytes(_directory["node.key"]));
    }

    [Fact]
    public void FailureLeavesNothingBehind()
    {
        using var credentials = NewCredentials();
        var fault = Assert.Throws<IdentityFileException>(() => credentials.Save(_directory["node.pem"], _directory["absent/node.key"]));
        Assert.Equal(FileFault.Unwritable, fault.Fault);
        Directory.CreateDirectory(_directory["node.key"]);
        fault = Assert.Throws<IdentityFileException>(() => credentials.Save(_directory["node.pem"], _directory["node.key"]));
        Assert.Equal(FileFault.AlreadyExists, fault.Fault);
        Assert.Empty(Directory.GetFiles(_directory["."]));
    }

    [Fact]
    public async Task FailureAfterTheFileWasMadeLeavesNothingBehind()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no limit on the size of a process's files.");
        // Under a limit of zero bytes a file can be made, but nothing written to it. The limit is a whole process's, so the check runs in one of its own.
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        string[] arguments =
        [
            "-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", Environment.ProcessPath!,
            "-method", $"{typeof(NewFileTests).FullName}.{nameof(WriteUnderALimitOfZeroBytesLeavesNothingBehind)}", "-explicit", "only",
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        // The runtime keeps its generated code in a file of its own unless told otherwise.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1,", StringComparison.Ordinal), output);
    }

    [Fact(Explicit = true)]
    public void WriteUnderALimitOfZeroBytesLeavesNothingBehind()
    {
        using var credentials = NewCredentials();
        var fault = Assert.Throws<IdentityFileException>(() => credentials.Save(_directory["node.pem"], _directory["node.key"]));
        Assert.Equal(FileFault.Unwritable, fault.Fault);
        fault = Assert.Throws<IdentityFileException>(() => credentials.SaveCertificate(_directory["node.pem"]));
        Assert.Equal(FileFault.Unwritable, fault.Fault);
        Assert.Empty(Directory.GetFiles(_directory["."]));
    }

    private static FileFault? Save(NodeCredentials credentials, string certificatePath, string keyPath, Barrier start)
    {
        start.SignalAndWait();
        try
        {
            credentials.Save(certificatePath, keyPath);
            return null;
        }
        catch (IdentityFileException exception)
        {
            return exception.Fault;
        }
    }

    private NodeCredentials NewCredentials(string name = "node-1")
    {
        var key = _realm.NewKey();
        return new NodeCredentials(_realm.Issue(name, key: key), key);
    }
}
