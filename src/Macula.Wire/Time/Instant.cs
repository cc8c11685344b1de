namespace Macula.Wire.Time;

/// <summary>A point on this process's monotonic clock. Deadlines and leases are kept in it; it never goes on the wire.</summary>
/// <param name="SinceStart">Time since the clock's own zero, which means nothing outside the process.</param>
public readonly record struct Instant(TimeSpan SinceStart) : IComparable<Instant>
{
    /// <summary>Later than every other instant: a deadline that never comes.</summary>
    public static Instant Never { get; } = new(TimeSpan.MaxValue);

    /// <inheritdoc/>
    public int CompareTo(Instant other) => SinceStart.CompareTo(other.SinceStart);

    /// <summary>The earlier of two instants.</summary>
    public static Instant Earlier(Instant left, Instant right) => left <= right ? left : right;

    /// <summary>The instant a while later; <see cref="Never"/> stays, and what would lie beyond it is it.</summary>
    public static Instant operator +(Instant instant, TimeSpan duration) =>
        instant == Never || duration > TimeSpan.MaxValue - instant.SinceStart ? Never : new(instant.SinceStart + duration);

    /// <summary>The time from one instant to another.</summary>
    public static TimeSpan operator -(Instant later, Instant earlier) => later.SinceStart - earlier.SinceStart;

    /// <summary>The instant a while earlier; <see cref="Never"/> stays.</summary>
    public static Instant operator -(Instant instant, TimeSpan duration) => instant == Never ? Never : new(instant.SinceStart - duration);

    /// <summary>Order in time.</summary>
    public static bool operator <(Instant left, Instant right) => left.SinceStart < right.SinceStart;

    /// <summary>Order in time.</summary>
    public static bool operator >(Instant left, Instant right) => left.SinceStart > right.SinceStart;

    /// <summary>Order in time.</summary>
    public static bool operator <=(Instant left, Instant right) => left.SinceStart <= right.SinceStart;

    /// <summary>Order in time.</summary>
    public static bool operator >=(Instant left, Instant right) => left.SinceStart >= right.SinceStart;
}
