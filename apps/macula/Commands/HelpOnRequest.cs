using System.CommandLine;
using System.CommandLine.Invocation;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary>What <c>--help</c> does.</summary>
internal sealed class HelpOnRequest : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        foreach (var line in HelpText.For(parseResult.CommandResult.Command, Terminal.Width))
        {
            Terminal.WriteLine(line);
        }

        return (int)ExitCode.Success;
    }
}
