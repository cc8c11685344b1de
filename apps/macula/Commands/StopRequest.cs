namespace Macula.Cli.Commands;

/// <summary>How a command ends that runs until somebody stops it: Ctrl-C and SIGTERM are success, the end of what it runs is not.</summary>
internal static class StopRequest
{
    /// <summary>Waits until what runs has ended by itself, or the command is told to stop.</summary>
    public static async Task WaitAsync(Func<CancellationToken, Task> waitForEnd, CancellationToken cancellationToken)
    {
        try
        {
            await waitForEnd(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Being told to stop is how such a command ends; disposal says goodbye to the others.
        }
    }
}
