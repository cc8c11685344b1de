using System.CommandLine;

namespace Macula.Cli.Commands;

/// <summary>How a command ends that runs until somebody stops it: Ctrl-C and SIGTERM are success, the end of what it runs is not.</summary>
internal sealed class StopRequest
{
    private readonly Option<bool> _untilEof = new("--until-eof") { Description = "Stop also when standard input ends, as it does when the program that started this one is gone." };

    /// <summary>Adds the option to a command.</summary>
    public void AddTo(Command command) => command.Add(_untilEof);

    /// <summary>Waits until what runs has ended by itself, or the command is told to stop.</summary>
    /// <param name="parse">The command line, which says whether the end of input counts.</param>
    /// <param name="waitForEnd">Completes when what runs has ended, and throws when its token fires.</param>
    /// <param name="cancellationToken">Ctrl-C or SIGTERM.</param>
    public async Task WaitAsync(ParseResult parse, Func<CancellationToken, Task> waitForEnd, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (parse.GetValue(_untilEof))
        {
            _ = CancelAtEofAsync(stop);
        }

        try
        {
            await waitForEnd(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Being told to stop is how such a command ends; disposal says goodbye to the others.
        }
    }

    // A read of a pipe cannot be taken back; the end of the process ends it.
    private static async Task CancelAtEofAsync(CancellationTokenSource stop)
    {
        var input = Console.OpenStandardInput();
        var ignored = new byte[256];
        try
        {
            while (await input.ReadAsync(ignored) > 0)
            {
                // What is written there is nobody's business.
            }

            await stop.CancelAsync();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Without an input, or after the end, there is nothing to wait for.
        }
    }
}
