using System.CommandLine;
using Macula.Cli;
using Macula.Cli.Commands;
using Macula.Cli.Output;

var parse = CommandTree.Root.Parse(args);
if (parse.Errors.Count > 0)
{
    foreach (var error in parse.Errors)
    {
        Terminal.WriteError(error.Message);
    }

    Console.Error.WriteLine($"Try 'macula {string.Join(' ', CommandTree.PathOf(parse.CommandResult.Command))} --help'.".Replace("  ", " ", StringComparison.Ordinal));
    return (int)ExitCode.Usage;
}

try
{
    // Ctrl-C and SIGTERM cancel the command's token; a node then gets time to say goodbye.
    return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(10) });
}
catch (Exception exception) when (FailureReport.TryReport(exception, CommonOptions.FormOf(parse)) is { } exitCode)
{
    return (int)exitCode;
}
