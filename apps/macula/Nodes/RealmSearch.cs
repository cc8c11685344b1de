using System.Globalization;
using Macula.Wire.Errors;

namespace Macula.Cli.Nodes;

/// <summary>Tells a realm that is not there from what may be wrong within one.</summary>
internal static class RealmSearch
{
    // A node that has joined says so at once.
    private static readonly TimeSpan TimeToSayWhetherJoined = TimeSpan.FromMilliseconds(100);

    /// <summary>Does something that needs the realm's DHT.</summary>
    /// <exception cref="CommandFailure">The node has not found its realm.</exception>
    public static async Task<T> ReportLostAsync<T>(MaculaPeer peer, Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (MaculaException exception) when (exception.Code == ErrorCode.Unreachable)
        {
            // A provider that is gone and a realm that is not there are different cares of whoever typed the command.
            throw await HasJoinedAsync(peer) ? exception : new CommandFailure(ExitCode.RealmNotFound, exception.Message);
        }
    }

    /// <summary>Does something that waits until the node has found its realm, for no longer than a given time.</summary>
    /// <exception cref="CommandFailure">It was not done in time.</exception>
    public static async Task<T> WithinAsync<T>(MaculaPeer peer, TimeSpan time, Func<CancellationToken, Task<T>> act, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(time);
        try
        {
            return await act(end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var seconds = string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");
            throw await HasJoinedAsync(peer)
                ? new CommandFailure(ExitCode.DeadlineExceeded, $"The nodes of the realm that were asked have not confirmed it within {seconds}.")
                : new CommandFailure(ExitCode.RealmNotFound, $"{peer.Self.Name} has found nobody of its realm within {seconds}. Does a bootstrap that the realm file names run?");
        }
    }

    private static async Task<bool> HasJoinedAsync(MaculaPeer peer)
    {
        using var moment = new CancellationTokenSource(TimeToSayWhetherJoined);
        try
        {
            await peer.WaitUntilJoinedAsync(moment.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
