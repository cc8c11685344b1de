using System.Buffers;
using Macula.Connections;
using Macula.Diagnostics;
using Macula.Protocols.PubSub;
using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.PubSub;

/// <summary>One of the ways of this node's events to one subscriber: a queue, and a stream that is opened when something waits ([PUB-5], [PUB-8]).</summary>
/// <remarks>Events may be queued from any queue; the stream is served on a queue of the lane's own.</remarks>
#pragma warning disable CA1001 // A source without timer or link holds nothing to let go of.
internal sealed class EventLane
#pragma warning restore CA1001
{
    // What may wait for a subscriber that is slow, or being dialled; 16 lanes make 16 MiB at most for each subscriber.
    private const int MaxQueuedEvents = 1024;
    private const long MaxQueuedBytes = 1 << 20;

    // One write takes what waits, up to about this much: large enough that a write costs little beside its bytes.
    private const int MaxBatchBytes = 64 * 1024;

    // [PUB-8]
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    // A subscriber that cannot be reached is dialled again after so long, as long as its record says that it subscribes.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly RealmServices _realm;
    private readonly NodeId _subscriber;
    private readonly Func<CancellationToken, ValueTask<MeshConnection>> _connect;
    private readonly Lock _gate = new();

    // An event has at most the bytes of a payload and its head; one alone fits whatever waits.
    private readonly EventQueue<ReadOnlyMemory<byte>> _queue = new(MaxQueuedEvents, MaxQueuedBytes + FrameLimits.MaxBodyBytes, OverflowPolicy.DropOldest);
    private readonly ArrayBufferWriter<byte> _batch = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Completion<bool> _ended;
    private readonly Task _endedTask;
    private Completion<bool>? _wake;
    private bool _isFinishing;

    public EventLane(RealmServices realm, NodeId subscriber, Func<CancellationToken, ValueTask<MeshConnection>> connect)
    {
        _realm = realm;
        _subscriber = subscriber;
        _connect = connect;
        _ended = new Completion<bool>(realm.Scheduler);
        _endedTask = _ended.Task.AsTask();
    }

    /// <summary>Begins to send. Called once.</summary>
    public void Start() => _realm.Tasks.Run(async () =>
    {
        try
        {
            await _realm.Scheduler.CreateQueue().RunAsync(RunAsync);
        }
        finally
        {
            _ended.TrySetResult(true);
        }
    });

    /// <summary>Has an event sent, in the order of the calls.</summary>
    public void Enqueue(TopicName topic, ReadOnlyMemory<byte> frame)
    {
        Completion<bool>? wake;
        EnqueueOutcome outcome;
        lock (_gate)
        {
            outcome = _queue.Enqueue(frame, topic, frame.Length);
            wake = _wake;
            _wake = null;
        }

        _realm.Metrics.EventSent(outcome);
        if (outcome != EnqueueOutcome.Queued && _realm.SlowSubscriberGate.TryPass(_realm.Scheduler.Now, out var suppressed))
        {
            _realm.Logger.SubscriberFallsBehind(_subscriber, suppressed);
        }

        wake?.TrySetResult(true);
    }

    /// <summary>Completes when what waits was sent and taken, and the stream has ended; nothing may be queued any more.</summary>
    /// <remarks>Goes on trying while the subscriber cannot be reached, until <see cref="Stop"/>.</remarks>
    public Task FinishAsync()
    {
        Completion<bool>? wake;
        lock (_gate)
        {
            _isFinishing = true;
            wake = _wake;
            _wake = null;
        }

        wake?.TrySetResult(false);
        return _endedTask;
    }

    /// <summary>Sends no more; what waits is dropped.</summary>
    public void Stop()
    {
        _stop.Cancel();
        lock (_gate)
        {
            _wake?.TrySetResult(false);
        }
    }

    private async ValueTask RunAsync()
    {
        var failures = 0;
        while (await WhenWaitingAsync(null))
        {
            try
            {
                var connection = await _connect(_stop.Token);
                if (await connection.TryOpenStreamAsync(ConnectionUse.Application, _stop.Token) is { } stream)
                {
                    failures = await SendAsync(connection, stream) ? 0 : failures + 1;
                }
                else
                {
                    // It drains; the next one is dialled.
                    failures++;
                }
            }
            catch (MaculaException exception)
            {
                failures++;
                _realm.Logger.SubscriberNotReached(_subscriber, exception.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            // After the first failure at once: mostly a connection had just been replaced.
            if (failures > 1)
            {
                await PauseAsync(failures);
            }
        }
    }

    // True when the stream ended in good order, since its connection drains or the lane stops.
    private async ValueTask<bool> SendAsync(MeshConnection connection, TransportStream stream)
    {
        using var reading = new CancellationTokenSource();
        var answer = ReadAnswerAsync(connection, stream, reading.Token);
        _realm.Tasks.Run(() => answer);
        try
        {
            var over = Task.WhenAny(answer, connection.Draining);
            while (!over.IsCompleted && await WhenWaitingAsync(over) && !over.IsCompleted)
            {
                await stream.WriteAsync(TakeBatch(), WriteEnd.KeepOpen, _stop.Token);
            }

            if (answer.IsCompleted)
            {
                return false;
            }

            // [PUB-8]: what was sent here is taken before the next stream begins, so that nothing overtakes it.
            await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish, CancellationToken.None);
            return await answer.WaitAsync(AnswerTimeout, _realm.Scheduler.Time);
        }
        catch (Exception exception) when (exception is MaculaException or TimeoutException)
        {
            return false;
        }
        finally
        {
            // Whoever still reads stops before the stream is let go of: reading on would be a fault of this side.
            reading.Cancel();
            await stream.DisposeAsync();
            connection.StreamEnded();
        }
    }

    // True for DONE; the reason of anything else is logged.
    private async Task<bool> ReadAnswerAsync(MeshConnection connection, TransportStream stream, CancellationToken cancellationToken)
    {
        try
        {
            var read = await FrameStream.ReadAnswerAsync(stream, FrameType.Event, cancellationToken);
            if (read.Frame is { Type: FrameType.Done })
            {
                return true;
            }

            var fault = read.Error.GetValueOrDefault();
            if (read.Frame is { } frame && ErrorFrame.TryRead(frame.Body, out var refusal, out fault))
            {
                _realm.Logger.EventsRefused(_subscriber, refusal.Code, refusal.Message);
            }
            else
            {
                _realm.Violated(connection.Peer.NodeId, fault);
            }
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            // The stream or its connection has ended, or nobody waits for the answer any more.
        }

        return false;
    }

    private ReadOnlyMemory<byte> TakeBatch()
    {
        DropEpisode? episode;
        _batch.ResetWrittenCount();
        lock (_gate)
        {
            while (_batch.WrittenCount < MaxBatchBytes && _queue.TryDequeue(out var frame))
            {
                _batch.Write(frame.Span);
            }

            episode = _queue.TryPollEpisode(out var ended) ? ended : null;
        }

        if (episode is { } told)
        {
            _realm.Logger.SubscriberCaughtUp(_subscriber, told.Events, told.Bytes);
        }

        return _batch.WrittenMemory;
    }

    // True when an event waits; false when the lane stops, or none will come any more, or the other task has ended before one came.
    private async ValueTask<bool> WhenWaitingAsync(Task? unless)
    {
        Completion<bool> wake;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested || _isFinishing || _queue.Count > 0)
            {
                return !_stop.IsCancellationRequested && _queue.Count > 0;
            }

            _wake = wake = new Completion<bool>(_realm.Scheduler);
        }

        if (unless is null)
        {
            return await wake.Task;
        }

        var woken = wake.Task.AsTask();
        await Task.WhenAny(woken, unless);
        if (!woken.IsCompleted)
        {
            wake.TrySetResult(false);
        }

        return await woken;
    }

    private async ValueTask PauseAsync(int failures)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(failures - 1, 10));
        try
        {
            await Task.Delay(pause < LongestPause ? pause : LongestPause, _realm.Scheduler.Time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The lane stops; whoever asks next whether something waits learns of it.
        }
    }
}
