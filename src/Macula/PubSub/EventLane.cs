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
/// <remarks>May be used from any queue; the stream is served on a queue of the lane's own, which runs from the first event until the lane is no longer wanted.</remarks>
#pragma warning disable CA1001 // A source without timer or link holds nothing to let go of.
internal sealed class EventLane
#pragma warning restore CA1001
{
    // What may wait for a subscriber that is slow, or being dialled: the largest event, and as much again. 16 lanes make 32 MiB at most for each
    // subscriber; subscribers of the same events share their bytes.
    private const int MaxQueuedEvents = 1024;
    private const long MaxQueuedBytes = 2L * FrameLimits.MaxBodyBytes;

    // One write takes what waits, up to so much: large enough that a write costs little beside its bytes.
    private const int MaxBatchBytes = 64 * 1024;

    // [PUB-8]
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    // A subscriber that cannot be reached is dialled again after so long, as long as its record says that it subscribes.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly RealmServices _realm;
    private readonly NodeId _subscriber;
    private readonly SubscriberLink _link;
    private readonly Action _ended;
    private readonly LaneAnswers _answers;
    private readonly Lock _gate = new();
    private readonly EventQueue<ReadOnlyMemory<byte>> _queue = new(MaxQueuedEvents, MaxQueuedBytes, OverflowPolicy.DropOldest);
    private readonly ArrayBufferWriter<byte> _batch = new();
    private readonly CancellationTokenSource _stop = new();
    private Completion<bool>? _wake;
    private Completion<bool>? _pause;
    private CancellationTokenSource? _sending;
    private int _failures;
    private bool _isRunning;
    private bool _isResting;
    private bool _isRenewing;

    /// <summary>Makes a lane on which nothing is sent yet.</summary>
    /// <param name="realm">The lane's realm.</param>
    /// <param name="subscriber">To whom it leads.</param>
    /// <param name="link">How the subscriber is reached.</param>
    /// <param name="ended">Called, on any queue, each time the lane has ended; a later event begins it again.</param>
    public EventLane(RealmServices realm, NodeId subscriber, SubscriberLink link, Action ended)
    {
        _realm = realm;
        _subscriber = subscriber;
        _link = link;
        _ended = ended;
        _answers = new LaneAnswers(realm, subscriber);
    }

    /// <summary>False before the first event, and once the lane has ended.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return _isRunning;
            }
        }
    }

    /// <summary>Has an event sent, in the order of the calls.</summary>
    public void Enqueue(TopicName topic, ReadOnlyMemory<byte> frame)
    {
        EnqueueOutcome outcome;
        bool begins;
        bool keptUp;
        Completion<bool>? wake;
        lock (_gate)
        {
            keptUp = _queue.CurrentEpisode is null;
            outcome = _queue.Enqueue(frame, topic, frame.Length);
            begins = !_isRunning;
            _isRunning = true;
            _isResting = false;
            wake = Interlocked.Exchange(ref _wake, null);
        }

        _realm.Metrics.EventSent(outcome);
        if (outcome != EnqueueOutcome.Queued && keptUp && _realm.SlowSubscriberGate.TryPass(_realm.Scheduler.Now, out var suppressed))
        {
            _realm.Logger.SubscriberFallsBehind(_subscriber, suppressed);
        }

        wake?.TrySetResult(true);
        if (begins)
        {
            _realm.Tasks.Run(async () => await _realm.Scheduler.CreateQueue().RunAsync(RunAsync));
        }
    }

    /// <summary>The subscriber has published its record anew: it may have been started again, so its connection is tried, and at once ([PUB-12]).</summary>
    public void Renew()
    {
        lock (_gate)
        {
            _isRenewing = _isRunning;
            _failures = 0;

            // A write to a node that is no more would wait as long as its connection.
            _sending?.CancelAfter(AnswerTimeout);
        }

        Wake();
    }

    /// <summary>Nothing more is wanted: what waits is dropped, and the stream ends in good order.</summary>
    public void Rest()
    {
        lock (_gate)
        {
            while (_queue.TryDequeue(out _))
            {
                // Nobody asks for it any more.
            }
        }

        Finish();
    }

    /// <summary>What waits is dropped, and so is what is being written, unless the subscriber takes it within 5 s.</summary>
    /// <returns>What was dropped and not told yet; without what is being written.</returns>
    public DropEpisode GiveUp()
    {
        DropEpisode dropped;
        lock (_gate)
        {
            dropped = new DropEpisode(_queue.Count, _queue.Bytes);
            Rest();
            if (_queue.TryPollEpisode(out var before))
            {
                dropped = new DropEpisode(dropped.Events + before.Events, dropped.Bytes + before.Bytes);
            }

            _sending?.CancelAfter(AnswerTimeout);
        }

        return dropped;
    }

    /// <summary>Nothing more comes: what waits is sent, then the stream ends.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            _isResting = true;
        }

        Wake();
    }

    /// <summary>Ends at once; what waits is dropped.</summary>
    public void Stop()
    {
        _stop.Cancel();
        Wake();
    }

    private void Wake()
    {
        Completion<bool>? wake, pause;
        lock (_gate)
        {
            wake = Interlocked.Exchange(ref _wake, null);
            pause = Interlocked.Exchange(ref _pause, null);
        }

        wake?.TrySetResult(true);
        pause?.TrySetResult(true);
    }

    private async ValueTask RunAsync()
    {
        do
        {
            var began = _realm.Scheduler.Now;
            try
            {
                if (!await WhenWaitingAsync(null))
                {
                    continue;
                }

                var connection = await _link.Connect(_stop.Token);
                began = _realm.Scheduler.Now;
                var isOrderly = await connection.TryOpenStreamAsync(ConnectionUse.Application, _stop.Token) is { } stream && await SendAsync(connection, stream);
                await PauseAfterAsync(isOrderly, began);
            }
            catch (MaculaException exception)
            {
                _realm.Logger.SubscriberNotReached(_subscriber, exception.Message);
                await PauseAfterAsync(isOrderly: false, began);
            }
            catch (OperationCanceledException)
            {
                // The lane stops.
            }
        }
        while (!TryEnd());

        _ended();
    }

    private bool TryEnd()
    {
        lock (_gate)
        {
            _isRunning = !_stop.IsCancellationRequested && !(_isResting && _queue.Count == 0);
            return !_isRunning;
        }
    }

    // True when the stream ended in good order: its connection drains, or the lane is renewed or no longer wanted.
    private async ValueTask<bool> SendAsync(MeshConnection connection, TransportStream stream)
    {
        using var end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _realm.Scheduler.Time);
        await using var stopping = _stop.Token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), end);
        SetSending(end);
        using var reading = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _realm.Scheduler.Time);
        var answer = _answers.ReadAsync(connection, stream, reading.Token);
        var over = Task.WhenAny(answer, connection.Draining);
        _realm.Tasks.Run(() => answer);
        _realm.Tasks.Run(() => WakeAfterAsync(over));
        try
        {
            var isLane = false;
            while (await WhenWaitingAsync(over))
            {
                isLane = true;
                await stream.WriteAsync(TakeBatch(), WriteEnd.KeepOpen, end.Token);
            }

            // [PUB-5]: without an event it is no lane, and there is nothing to end: the stream is reset.
            if (answer.IsCompleted || !isLane)
            {
                return !answer.IsCompleted;
            }

            // [PUB-8]: what was sent here is taken before the next stream begins, so that nothing overtakes it.
            await stream.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish, end.Token);
            return await answer.WaitAsync(AnswerTimeout, _realm.Scheduler.Time, end.Token);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // [PUB-12]: who does not answer is looked for anew; a lane that stops has not waited for the answer.
            if (!_stop.IsCancellationRequested)
            {
                _link.LetGo(connection);
            }

            return false;
        }
        catch (StreamAbortedException)
        {
            // [PUB-7]: the answer says why.
            reading.CancelAfter(AnswerTimeout);
            return await answer;
        }
        catch (MaculaException)
        {
            return false;
        }
        finally
        {
            SetSending(null);

            // A stream is let go of when nobody reads it any more.
            reading.Cancel();
            await answer;
            await stream.DisposeAsync();
            connection.StreamEnded();
        }
    }

    private void SetSending(CancellationTokenSource? sending)
    {
        lock (_gate)
        {
            _sending = sending;
        }
    }

    private async Task WakeAfterAsync(Task over)
    {
        await over;
        Wake();
    }

    private ReadOnlyMemory<byte> TakeBatch()
    {
        DropEpisode? episode;
        ReadOnlyMemory<byte> bytes;
        lock (_gate)
        {
            bytes = TakeWaiting();
            episode = _queue.TryPollEpisode(out var ended) ? ended : null;
        }

        if (episode is { } told && _realm.CaughtUpSubscriberGate.TryPass(_realm.Scheduler.Now, out var suppressed))
        {
            _realm.Logger.SubscriberCaughtUp(_subscriber, told.Events, told.Bytes, suppressed);
        }

        return bytes;
    }

    // An event that goes alone is not copied; so the batch never grows beyond its limit.
    private ReadOnlyMemory<byte> TakeWaiting()
    {
        _batch.ResetWrittenCount();
        while (_queue.TryPeek(out var frame) && (_batch.WrittenCount == 0 || _batch.WrittenCount + frame.Length <= MaxBatchBytes))
        {
            _queue.TryDequeue(out _);
            if (_batch.WrittenCount == 0 && (_queue.Count == 0 || frame.Length >= MaxBatchBytes))
            {
                return frame;
            }

            _batch.Write(frame.Span);
        }

        return _batch.WrittenMemory;
    }

    // True when an event waits; false when the stream is to end, or the lane.
    private async ValueTask<bool> WhenWaitingAsync(Task? over)
    {
        while (true)
        {
            Completion<bool> wake;
            lock (_gate)
            {
                var isRenewing = _isRenewing;
                _isRenewing = false;
                if (_stop.IsCancellationRequested || over is { IsCompleted: true } || (isRenewing && over is not null))
                {
                    return false;
                }

                if (_queue.Count > 0 || _isResting)
                {
                    return _queue.Count > 0;
                }

                _wake = wake = new Completion<bool>(_realm.Scheduler);
            }

            await wake.Task;
        }
    }

    private async ValueTask PauseAfterAsync(bool isOrderly, Wire.Time.Instant began)
    {
        Completion<bool> pause;
        TimeSpan length;
        lock (_gate)
        {
            // What worked for long has not failed again and again.
            _failures = isOrderly ? 0 : _realm.Scheduler.Now - began > LongestPause ? 1 : _failures + 1;

            // After the first failure at once: mostly a connection had just been replaced.
            if (_failures < 2 || _isRenewing || (_isResting && _queue.Count == 0))
            {
                return;
            }

            length = FirstPause * Math.Pow(2, Math.Min(_failures - 2, 10));
            _pause = pause = new Completion<bool>(_realm.Scheduler);
        }

        using var until = new CancellationTokenSource(length < LongestPause ? length : LongestPause, _realm.Scheduler.Time);
        try
        {
            await pause.CancelledBy(until.Token).Task;
        }
        catch (OperationCanceledException)
        {
            // The time is over.
        }
    }
}
