using System.Collections.Concurrent;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Wire.Errors;

namespace Macula.Cli.Sessions;

/// <summary>Does what the lines of an input ask of a node, many at a time, and answers each on a line of its own.</summary>
internal sealed class Session(MaculaPeer peer)
{
    /// <summary>Most requests under way; while there are so many, no further line is read.</summary>
    public const int MaxRequestsInFlight = 64;

    /// <summary>Longest line: an argument of 1 MiB as JSON, with every character escaped that may be, and air.</summary>
    public const int MaxLineBytes = 8 << 20;

    /// <summary>Most subscriptions at a time.</summary>
    public const int MaxSubscriptions = 256;

    private readonly List<Task> _running = [];

    // By the ids of the requests, as they were written; null while the subscription is not in force yet.
    private readonly ConcurrentDictionary<string, RunningSubscription?> _subscriptions = new(StringComparer.Ordinal);

    /// <summary>Answers until the input ends, and what was asked by then is done.</summary>
    /// <exception cref="CommandFailure">A line is too long.</exception>
    /// <exception cref="OperationCanceledException">The token fired; what was under way was given up.</exception>
    public async Task RunAsync(Stream input, CancellationToken cancellationToken)
    {
        var lines = new BoundedLines(input, MaxLineBytes);
        try
        {
            while (await lines.ReadAsync(cancellationToken) is { } line)
            {
                if (line.AsSpan().Trim(" \t\r"u8).IsEmpty)
                {
                    continue;
                }

                await WaitForRoomAsync();
                _running.Add(AnswerAsync(SessionRequest.Parse(line), cancellationToken));
            }
        }
        finally
        {
            await Task.WhenAll(_running);
            foreach (var subscription in _subscriptions.Values)
            {
                await (subscription?.EndAsync() ?? Task.FromResult(0L));
            }
        }
    }

    // Whatever ended a task that should have answered is thrown here, and ends the session.
    private async Task WaitForRoomAsync()
    {
        if (_running.Count >= MaxRequestsInFlight)
        {
            await Task.WhenAny(_running);
        }

        foreach (var done in _running.Where(task => task.IsCompleted).ToArray())
        {
            _running.Remove(done);
            await done;
        }
    }

    private async Task AnswerAsync(SessionRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await (request switch
            {
                SessionRequest.Call call => CallAsync(call, cancellationToken),
                SessionRequest.Publish publish => PublishAsync(publish, cancellationToken),
                SessionRequest.Subscribe subscribe => SubscribeAsync(subscribe, cancellationToken),
                SessionRequest.Unsubscribe unsubscribe => UnsubscribeAsync(unsubscribe),
                SessionRequest.Wrong wrong => Task.FromException(wrong.Fault),
                _ => throw new InvalidOperationException($"Nobody does {request.GetType().Name}."),
            });
        }
        catch (Exception exception) when (exception is MaculaException or CommandFailure or ArgumentException)
        {
            Write(request, FailureReport.FieldsOf(exception));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever told the session to stop expects no more answers.
        }
    }

    private async Task CallAsync(SessionRequest.Call call, CancellationToken cancellationToken)
    {
        var options = call.At is { } host ? call.Options with { At = await HostAddress.ResolveAsync(host, cancellationToken) } : call.Options;
        var reply = await peer.CallAsync(call.Procedure.Value, call.Argument, options, cancellationToken);
        Write(call, ReplyFields.Of(reply));
    }

    private async Task PublishAsync(SessionRequest.Publish publish, CancellationToken cancellationToken)
    {
        var receipt = await peer.PublishAsync(publish.Topic.Value, publish.Value, options: null, cancellationToken);
        Write(publish, [("published", EventFields.NameOf(receipt.Id)), ("subscribers", receipt.Subscribers)]);
    }

    private async Task SubscribeAsync(SessionRequest.Subscribe subscribe, CancellationToken cancellationToken)
    {
        var id = subscribe.Id?.Text ?? throw new CommandFailure(ExitCode.Usage, "A request with 'subscribe' needs an id: its events repeat it.");
        if (_subscriptions.Count >= MaxSubscriptions)
        {
            throw new CommandFailure(ExitCode.Usage, $"A session has at most {MaxSubscriptions} subscriptions.");
        }

        if (!_subscriptions.TryAdd(id, null))
        {
            throw new CommandFailure(ExitCode.Usage, $"There is a subscription with the id {id} already.");
        }

        try
        {
            var subscription = await peer.SubscribeAsync(subscribe.Pattern.Value, options: null, cancellationToken);
            Write(subscribe, [("subscribed", subscribe.Pattern)]);
            _subscriptions[id] = new RunningSubscription(subscription, fields => Write(subscribe, fields));
        }
        catch (Exception)
        {
            // Whatever it was is answered; the id is free again.
            _subscriptions.TryRemove(id, out _);
            throw;
        }
    }

    private async Task UnsubscribeAsync(SessionRequest.Unsubscribe unsubscribe)
    {
        if (!_subscriptions.TryGetValue(unsubscribe.Subscription.Text, out var subscription) || subscription is null || !_subscriptions.TryRemove(unsubscribe.Subscription.Text, out _))
        {
            throw new CommandFailure(ExitCode.Usage, $"No subscription with the id {unsubscribe.Subscription.Text} is in force.");
        }

        var dropped = await subscription.EndAsync();
        Write(unsubscribe, [("unsubscribed", unsubscribe.Subscription), ("droppedEvents", dropped)]);
    }

    private static void Write(SessionRequest request, (string Name, object? Value)[] fields) => JsonLine.Write([("id", request.Id), .. fields]);
}
