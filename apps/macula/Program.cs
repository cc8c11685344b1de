using System.CommandLine;
using Macula.Cli;
using Macula.Cli.Commands;

var parse = CommandTree.Root.Parse(args, CommandTree.Parsing);

#pragma warning disable CA1031
try
{
    if (UsageFault.Find(parse) is { } fault)
    {
        throw fault;
    }

    return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = CommandTree.TimeToStop });
}
// A task root: the program ends here, and its user learns of it by one line and an exit code.
catch (Exception exception)
{
    return (int)FailureReport.Report(exception, CommonOptions.FormOf(parse));
}
#pragma warning restore CA1031
