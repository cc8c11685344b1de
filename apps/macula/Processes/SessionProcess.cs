using System.Collections.Concurrent;
using System.Text.Json;
using Macula.Cli.Output;

namespace Macula.Cli.Processes;

/// <summary>A process that runs <c>macula session</c>, as one who asks it things.</summary>
public sealed class SessionProcess
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _asked = new();
    private readonly ConcurrentDictionary<int, Action<JsonElement>> _subscriptions = new();
    private int _lastId;

    private SessionProcess()
    {
    }

    /// <summary>Where it runs, and what it has written last.</summary>
    public ChildProcess Process { get; private set; } = null!;

    /// <summary>Starts the process.</summary>
    /// <param name="program">How to start it, mostly <see cref="ProgramPath.Own"/>.</param>
    /// <param name="name">What to call it.</param>
    /// <param name="arguments">Its command line.</param>
    public static SessionProcess Start(ProgramPath program, string name, IEnumerable<string> arguments)
    {
        var session = new SessionProcess();
        session.Process = ChildProcess.Start(program, name, arguments, session.Take);
        return session;
    }

    /// <summary>Calls a procedure.</summary>
    /// <param name="procedure">Its name.</param>
    /// <param name="argument">What it is given, as JSON.</param>
    /// <param name="deadline">Time for everything; null takes the default of calls.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>The session's answer, with the field <c>result</c> or <c>error</c>.</returns>
    public Task<JsonElement> CallAsync(string procedure, string argument, TimeSpan? deadline, CancellationToken cancellationToken) =>
        AskAsync([("call", procedure), ("argument", new RawJson(argument)), ("deadline", deadline?.TotalSeconds)], cancellationToken);

    /// <summary>Subscribes; completes when the subscription is in force or was refused.</summary>
    /// <param name="pattern">Which topics.</param>
    /// <param name="happened">Gets each event, one after the other, as the session writes it.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    public Task<JsonElement> SubscribeAsync(string pattern, Action<JsonElement> happened, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _lastId);
        _subscriptions[id] = happened;
        return AskAsync(id, [("subscribe", pattern)], cancellationToken);
    }

    /// <summary>Ends a subscription.</summary>
    /// <param name="subscribed">What <see cref="SubscribeAsync"/> returned.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    public Task<JsonElement> UnsubscribeAsync(JsonElement subscribed, CancellationToken cancellationToken) =>
        AskAsync([("unsubscribe", subscribed.GetProperty("id").GetInt32())], cancellationToken);

    private Task<JsonElement> AskAsync((string Name, object? Value)[] request, CancellationToken cancellationToken) =>
        AskAsync(Interlocked.Increment(ref _lastId), request, cancellationToken);

    private async Task<JsonElement> AskAsync(int id, (string Name, object? Value)[] request, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        Process.WriteLine(JsonLine.Compose([("id", id), .. request]));
        return await answer.Task.WaitAsync(cancellationToken);
    }

    private void Take(JsonElement line)
    {
        if (!line.TryGetProperty("id", out var field) || field.ValueKind != JsonValueKind.Number || !field.TryGetInt32(out var id))
        {
            return;
        }

        if (line.TryGetProperty("topic", out _))
        {
            _subscriptions.GetValueOrDefault(id)?.Invoke(line);
        }
        else if (_asked.TryRemove(id, out var answer))
        {
            answer.TrySetResult(line);
        }
    }
}
