using System.Diagnostics;
using System.Runtime.Versioning;

namespace Macula.Repository.Tests;

/// <summary>A folder of its own for a test of shell scripts: programs planted there come first on the path of what runs in it.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class ScriptFolder : IDisposable
{
    /// <summary>
    /// The collection of the tests that start processes. A script that is being written cannot be executed, and a child forked at that
    /// moment by another test would hold it open.
    /// </summary>
    public const string OneAtATime = "Scripts";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("macula-scripts-");

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);

    public void Write(string file, string text)
    {
        var path = PathOf(file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Writes a bash script that can be run; its working directory is its caller's.</summary>
    public void Plant(string file, string script)
    {
        Write(file, "#!/usr/bin/env bash\n" + script);
        File.SetUnixFileMode(PathOf(file), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Copies a script of the repository to the same place here.</summary>
    public void Copy(string file)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(PathOf(file))!);
        File.Copy(System.IO.Path.Combine(SourceTree.Root, file), PathOf(file));
    }

    public string Read(string file) => File.Exists(PathOf(file)) ? File.ReadAllText(PathOf(file)) : "";

    /// <summary>Runs bash commands in the repository, with this folder's <c>bin</c> first on the path and its path in FOLDER.</summary>
    public (int ExitCode, string Output) Run(string commands)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"exec 2>&1; {commands}"]) { WorkingDirectory = SourceTree.Root, RedirectStandardOutput = true };
        start.Environment["FOLDER"] = Path;
        start.Environment["PATH"] = $"{PathOf("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["MACULA_APT_FOLDER"] = PathOf("etc");
        foreach (var inherited in new[] { "LD_LIBRARY_PATH", "MACULA_NIGHTLY", "MACULA_FUZZ_ITERATIONS", "MACULA_SIMULATION_SEEDS", "MACULA_TEST_SECONDS" })
        {
            start.Environment.Remove(inherited);
        }

        using var bash = Process.Start(start) ?? throw new InvalidOperationException("bash did not start.");
        var output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return (bash.ExitCode, output);
    }

    private string PathOf(string file) => System.IO.Path.Combine(Path, file);
}
