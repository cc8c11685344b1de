using Macula.Realms;
using Macula.Wire.Errors;

namespace Macula.Connections;

/// <summary>Tries one way after another, each a little later than the one before, and takes the first that succeeds (RFC 8305 §5).</summary>
/// <remarks>Used on one queue. Those that are slower go on by themselves, for others who wait for the same.</remarks>
internal sealed class StaggeredAttempts(RealmServices realm, TimeSpan delay)
{
    /// <summary>Runs the attempts until one succeeds; the next begins when the one before has failed, or after the delay.</summary>
    /// <param name="attempts">At least one, the preferred one first. A failure is a <see cref="MaculaException"/>.</param>
    /// <param name="cancellationToken">Stops waiting, and begins no more.</param>
    /// <returns>The result of the first that succeeded, and its index.</returns>
    /// <exception cref="MaculaException">All have failed; this is how the last one did.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async ValueTask<(T Result, int Index)> RunAsync<T>(IReadOnlyList<Func<ValueTask<T>>> attempts, CancellationToken cancellationToken)
    {
        var running = new List<(Task<T> Task, int Index)>();
        MaculaException? failure = null;
        CancellationTokenSource? pauses = null;
        try
        {
            for (var next = 0; next < attempts.Count; next++)
            {
                var attempt = attempts[next]();
                if (attempt.IsCompletedSuccessfully)
                {
                    return (attempt.Result, next);
                }

                running.Add((attempt.AsTask(), next));
                var pause = next == attempts.Count - 1 ? null : PauseAsync((pauses ??= CancellationTokenSource.CreateLinkedTokenSource(cancellationToken)).Token);
                while (running.Count > 0 && await NextAsync(running, pause) is { Task: not null } ended)
                {
                    running.Remove(ended);
                    try
                    {
                        return (await ended.Task, ended.Index);
                    }
                    catch (MaculaException exception)
                    {
                        failure = exception;
                    }

                    if (pause is not null)
                    {
                        break;
                    }
                }

                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            // A pause that nobody waits for any more would keep its timer, beyond the node's end if that comes sooner.
            pauses?.Cancel();
            pauses?.Dispose();
            foreach (var (slower, _) in running)
            {
                realm.Tasks.Run(() => LeaveAsync(slower));
            }
        }

        throw failure!;
    }

    // The attempt that ended first; none when the pause did.
    private static async ValueTask<(Task<T> Task, int Index)> NextAsync<T>(List<(Task<T> Task, int Index)> running, Task? pause)
    {
        var tasks = running.Select(static attempt => (Task)attempt.Task);
        var first = await Task.WhenAny(pause is null ? tasks : tasks.Append(pause));
        return running.Find(attempt => attempt.Task == first);
    }

    // A delay that is cancelled completes WhenAny on the thread pool; one that is awaited first stays on the queue.
    private async Task PauseAsync(CancellationToken cancellationToken) => await Task.Delay(delay, realm.Scheduler.Time, cancellationToken);

    private static async Task LeaveAsync(Task slower)
    {
        try
        {
            await slower;
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            // Nobody waits for this attempt any more, and whoever makes it logs how it fails.
        }
    }
}
