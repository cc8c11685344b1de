using System.CommandLine;
using System.CommandLine.Invocation;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary>What <c>--version</c> does: the program's version alone, for scripts.</summary>
internal sealed class VersionOnRequest : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        if (CommonOptions.FormOf(parseResult) == OutputForm.Json)
        {
            JsonLine.Write(("version", VersionCommand.ProgramVersion));
        }
        else
        {
            Terminal.WriteLine(VersionCommand.ProgramVersion);
        }

        return (int)ExitCode.Success;
    }
}
