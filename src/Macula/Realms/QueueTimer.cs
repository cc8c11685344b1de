using Macula.Transport.Execution;
using Macula.Wire.Time;

namespace Macula.Realms;

/// <summary>Wakes a core at the time that it names: one timer of the system, whose callback runs on the core's own queue.</summary>
/// <remarks>Used on that queue only.</remarks>
internal sealed class QueueTimer
{
    // The resolution of the system's timers; one that fires a little early by the monotonic clock is set again for the rest.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    // The framework's timers end at about 49 days.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    private readonly RealmServices _realm;
    private readonly SerialQueue _queue;
    private readonly Action _elapsed;
    private readonly ITimer _timer;
    private Instant _at = Instant.Never;
    private bool _isStopped;

    /// <summary>Makes a timer that is not set.</summary>
    /// <param name="realm">Whose clock counts, and whose task root learns when the callback throws.</param>
    /// <param name="queue">Where the callback runs.</param>
    /// <param name="elapsed">Called at or after the time, once for each <see cref="Set"/>.</param>
    public QueueTimer(RealmServices realm, SerialQueue queue, Action elapsed)
    {
        _realm = realm;
        _queue = queue;
        _elapsed = elapsed;
        _timer = realm.Scheduler.Time.CreateTimer(static state => ((QueueTimer)state!).Post(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sets the time, in place of the one before; <see cref="Instant.Never"/> stops the timer.</summary>
    public void Set(Instant at)
    {
        if (at == _at || _isStopped)
        {
            return;
        }

        _at = at;
        _timer.Change(at == Instant.Never ? Timeout.InfiniteTimeSpan : Clamp(at - _realm.Scheduler.Now), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Stops the timer for good.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Dispose();
    }

    private static TimeSpan Clamp(TimeSpan left) => left < Shortest ? Shortest : left > Longest ? Longest : left;

    private void Post() => _queue.Post(
        static state =>
        {
            var timer = (QueueTimer)state!;
            timer._realm.Tasks.Run(timer.HandleElapsedAsync);
        },
        this);

    private Task HandleElapsedAsync()
    {
        if (!_isStopped && _at is var at && at != Instant.Never)
        {
            _at = Instant.Never;
            if (at > _realm.Scheduler.Now)
            {
                // Early, or left over from a time that was set before.
                Set(at);
            }
            else
            {
                _elapsed();
            }
        }

        return Task.CompletedTask;
    }
}
