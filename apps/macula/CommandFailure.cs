namespace Macula.Cli;

/// <summary>A command cannot go on, and the message says all that a person needs to know.</summary>
internal sealed class CommandFailure(ExitCode exitCode, string message) : Exception(message)
{
    /// <summary>How the program ends.</summary>
    public ExitCode ExitCode { get; } = exitCode;
}
