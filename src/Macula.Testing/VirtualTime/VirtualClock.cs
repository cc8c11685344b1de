namespace Macula.Testing.VirtualTime;

/// <summary>The clocks of one node: monotonic time is the world's, the time of day may be off.</summary>
internal sealed class VirtualClock(VirtualWorld world, VirtualScheduler scheduler) : TimeProvider
{
    // An arbitrary point of civil time, with a date that no certificate of a test is likely to be at the edge of.
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    // The machine's zone would make runs differ between machines.
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => world.NowTicks;

    public override DateTimeOffset GetUtcNow() => Start.AddTicks(world.NowTicks) + scheduler.WallClockOffset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(world, scheduler, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class VirtualTimer(VirtualWorld world, VirtualScheduler scheduler, TimerCallback callback, object? state) : VirtualEvent, ITimer
    {
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private readonly ContextCallback _callback = new(callback);
        private TimeSpan _period = Timeout.InfiniteTimeSpan;
        private bool _disposed;

        internal override VirtualScheduler? Owner => scheduler;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
            ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
            if (_disposed)
            {
                return false;
            }

            _period = period;
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                world.Disarm(this);
            }
            else
            {
                world.Arm(this, dueTime);
            }

            return true;
        }

        public void Dispose()
        {
            _disposed = true;
            if (IsArmed)
            {
                world.Disarm(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        protected internal override void Fire()
        {
            if (scheduler.IsStopped)
            {
                return;
            }

            // ITimer: a period of zero means once, as an infinite one does.
            if (_period > TimeSpan.Zero)
            {
                world.Arm(this, _period);
            }

            if (_context is null)
            {
                _callback(state);
            }
            else
            {
                ExecutionContext.Run(_context, _callback, state);
            }
        }
    }
}
