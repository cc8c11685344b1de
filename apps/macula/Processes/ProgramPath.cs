using System.Diagnostics;

namespace Macula.Cli.Processes;

/// <summary>How this program is started once more.</summary>
/// <param name="File">What the system is to run.</param>
/// <param name="FirstArguments">What it is told before the words of the command line.</param>
public sealed record ProgramPath(string File, IReadOnlyList<string> FirstArguments)
{
    /// <summary>As this process was started.</summary>
    /// <remarks>Started as `dotnet macula.dll`, the process path is dotnet itself and needs to be told what to run.</remarks>
    public static ProgramPath Own { get; } = new(
        Environment.ProcessPath!, Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? [typeof(ProgramPath).Assembly.Location] : []);

    /// <summary>Describes a process of the program whose input and output this one holds.</summary>
    public ProcessStartInfo Describe(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(File) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in FirstArguments.Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}
