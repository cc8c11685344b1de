using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Macula.Cli.Tests.Support;

/// <summary>The program as it was built beside these tests, run as a process of its own.</summary>
internal static class MaculaProgram
{
    /// <summary>Longest wait for anything that a process does; every wait ends by an event, and this turns a hang into a failure.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string Library = Path.Combine(AppContext.BaseDirectory, "Macula.Cli.dll");

    // The runtime that runs these tests lies at shared/Microsoft.NETCore.App/VERSION beside its host.
    private static readonly string Host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    /// <summary>Starts the program with its output redirected.</summary>
    /// <param name="directory">Where it runs.</param>
    /// <param name="arguments">Its command line.</param>
    /// <param name="libraries">A directory in which the system looks for libraries first; null for none.</param>
    public static Process Start(string directory, IEnumerable<string> arguments, string? libraries = null)
    {
        var start = new ProcessStartInfo(Host)
        {
            WorkingDirectory = directory, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        if (libraries is not null)
        {
            start.Environment["LD_LIBRARY_PATH"] = libraries;
        }

        start.ArgumentList.Add(Library);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("The program did not start.");
    }

    /// <summary>Runs the program to its end.</summary>
    public static Task<ProgramOutcome> RunAsync(string directory, params string[] arguments) => RunAsync(directory, libraries: null, arguments);

    /// <summary>Runs the program to its end with libraries of one's own.</summary>
    public static async Task<ProgramOutcome> RunAsync(string directory, string? libraries, string[] arguments)
    {
        using var process = Start(directory, arguments, libraries);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new ProgramOutcome(string.Join(' ', arguments), process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
