using Macula.Cli.Processes;

namespace Macula.Cli.Demo;

/// <summary>The demonstration saw something else than it should have.</summary>
/// <param name="message">What, in one sentence for people.</param>
/// <param name="process">The process that can say more; null when none can.</param>
public sealed class DemoException(string message, ChildProcess? process = null) : Exception(message)
{
    /// <summary>Its last lines are shown with the failure.</summary>
    public ChildProcess? Process { get; } = process;
}
