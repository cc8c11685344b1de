using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Macula.Cli.Tests.Support;

namespace Macula.Cli.Tests;

/// <summary>README.md shows commands that do what the page says, typed one after the other without a pause.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ReadmeWalkTests
{
    // Whatever the walk has left behind ends with its shell.
    private const string Prelude = "set -eu; trap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n";

    private const string Epilogue = "\nwait\n";

    [Fact]
    public async Task WalkOfTheReadmeGivesTheSumAndThreeEvents()
    {
        await using var workspace = new Workspace();
        var command = MaculaProgram.Path.Describe();
        await File.WriteAllTextAsync(workspace["macula"], $"#!/bin/sh\nexec '{command.FileName}' {string.Join(' ', command.ArgumentList.Select(word => $"'{word}'"))} \"$@\"\n");
        File.SetUnixFileMode(workspace["macula"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var walk = (await File.ReadAllTextAsync(ReadmePath())).Split("```sh\n")[2].Split("\n```")[0];
        Assert.Contains(":9443", walk, StringComparison.Ordinal);

        var shell = Process.Start(new ProcessStartInfo("bash", ["-c", Prelude + walk.Replace(":9443", $":{FreePort()}", StringComparison.Ordinal) + Epilogue])
        {
            WorkingDirectory = workspace.Directory, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        using var life = new ProcessLife(shell);
        var output = shell.StandardOutput.ReadToEndAsync();
        var error = shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync().WaitAsync(2 * MaculaProgram.Patience);
        Assert.True(shell.ExitCode == 0, $"The walk ended with {shell.ExitCode}:\n{await output}\n{await error}");
        var lines = (await output).Split('\n');
        Assert.Single(lines, "8");
        Assert.Equal(3, lines.Count(line => line.Contains("sensor.load", StringComparison.Ordinal) && line.EndsWith("from carol", StringComparison.Ordinal)));
    }

    private static string FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
    }

    private static string ReadmePath([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "README.md");
}
