using System.CommandLine;
using System.Runtime.InteropServices;
using Macula.Cli;
using Macula.Cli.Commands;

var parse = CommandTree.Root.Parse(args, CommandTree.Parsing);
using var stop = new CancellationTokenSource();

// A terminal that is closed says so by SIGHUP; what was started is to end in good order then as well, and in the same time. The library takes care of
// SIGINT and SIGTERM.
using var lastMoment = new Timer(static _ => Environment.Exit((int)ExitCode.Interrupted));
using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
{
    signal.Cancel = true;
    lastMoment.Change(CommandTree.TimeToStop, Timeout.InfiniteTimeSpan);
    stop.Cancel();
});

#pragma warning disable CA1031
try
{
    if (UsageFault.Find(parse) is { } fault)
    {
        throw fault;
    }

    return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = CommandTree.TimeToStop }, stop.Token);
}
// A task root: the program ends here, and its user learns of it by one line and an exit code.
catch (Exception exception)
{
    return (int)FailureReport.Report(exception, CommonOptions.FormOf(parse));
}
#pragma warning restore CA1031
