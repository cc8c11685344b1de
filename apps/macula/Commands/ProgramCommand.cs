using System.CommandLine;

namespace Macula.Cli.Commands;

/// <summary>A command with all that its help text says; the description is the one line under which it is listed.</summary>
internal sealed class ProgramCommand(string name, string description) : Command(name, description)
{
    /// <summary>What a user should know beyond the description, in paragraphs; empty for nothing.</summary>
    public string Details { get; init; } = "";

    /// <summary>Command lines that work, in the order in which one would type them.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];
}
