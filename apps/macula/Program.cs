using System.CommandLine;
using Macula.Cli;
using Macula.Cli.Commands;

var parse = CommandTree.Root.Parse(args, CommandTree.Parsing);

// A task root: whatever a command throws ends here as one line and an exit code, which is how its user learns of it.
#pragma warning disable CA1031
try
{
    if (UsageFault.Find(parse) is { } fault)
    {
        throw fault;
    }

    return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = CommandTree.TimeToStop });
}
catch (Exception exception)
{
    return (int)FailureReport.Report(exception, CommonOptions.FormOf(parse));
}
#pragma warning restore CA1031
