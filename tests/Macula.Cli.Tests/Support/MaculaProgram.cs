using System.Diagnostics;
using System.Runtime.InteropServices;
using Macula.Cli.Processes;

namespace Macula.Cli.Tests.Support;

/// <summary>The program as it was built beside these tests, run as a process of its own.</summary>
internal static class MaculaProgram
{
    /// <summary>Longest wait for anything that a process does; every wait ends by an event, and this turns a hang into a failure.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string Library = System.IO.Path.Combine(AppContext.BaseDirectory, "Macula.Cli.dll");

    // The runtime that runs these tests lies at shared/Microsoft.NETCore.App/VERSION beside its host.
    private static readonly string Host = System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    /// <summary>How the program is started.</summary>
    public static ProgramPath Path { get; } = new(Host, [Library]);

    /// <summary>Starts the program with its input and output redirected.</summary>
    /// <param name="directory">Where it runs.</param>
    /// <param name="arguments">Its command line.</param>
    /// <param name="change">Changes how it is started; null for nothing.</param>
    public static Process Start(string directory, IEnumerable<string> arguments, Action<ProcessStartInfo>? change = null)
    {
        var start = Path.Describe(arguments);
        start.WorkingDirectory = directory;
        change?.Invoke(start);
        return Process.Start(start) ?? throw new InvalidOperationException("The program did not start.");
    }

    /// <summary>Runs the program to its end.</summary>
    public static Task<ProgramOutcome> RunAsync(string directory, params string[] arguments) => RunAsync(directory, arguments, change: null);

    /// <summary>Runs the program to its end, started in a way of one's own.</summary>
    public static async Task<ProgramOutcome> RunAsync(string directory, string[] arguments, Action<ProcessStartInfo>? change)
    {
        using var process = Start(directory, arguments, change);
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
