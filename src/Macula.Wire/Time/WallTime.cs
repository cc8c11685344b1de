namespace Macula.Wire.Time;

/// <summary>A point in civil time, as clocks of different machines name it. It may go on the wire and may jump; deadlines use <see cref="Instant"/>.</summary>
/// <param name="UnixMilliseconds">Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.</param>
public readonly record struct WallTime(long UnixMilliseconds) : IComparable<WallTime>
{
    /// <summary>The same point as a <see cref="DateTimeOffset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It lies outside the years 1 to 9999.</exception>
    public DateTimeOffset ToDateTimeOffset() => DateTimeOffset.FromUnixTimeMilliseconds(UnixMilliseconds);

    /// <summary>Takes a point in time, cut to whole milliseconds.</summary>
    public static WallTime From(DateTimeOffset time) => new(time.ToUnixTimeMilliseconds());

    /// <inheritdoc/>
    public int CompareTo(WallTime other) => UnixMilliseconds.CompareTo(other.UnixMilliseconds);

    /// <summary>The point a while later, or earlier for a negative duration.</summary>
    public static WallTime operator +(WallTime time, TimeSpan duration) => new(time.UnixMilliseconds + (long)duration.TotalMilliseconds);

    /// <summary>The time from one point to another.</summary>
    public static TimeSpan operator -(WallTime later, WallTime earlier) => TimeSpan.FromMilliseconds(later.UnixMilliseconds - earlier.UnixMilliseconds);

    /// <summary>Order in time.</summary>
    public static bool operator <(WallTime left, WallTime right) => left.UnixMilliseconds < right.UnixMilliseconds;

    /// <summary>Order in time.</summary>
    public static bool operator >(WallTime left, WallTime right) => left.UnixMilliseconds > right.UnixMilliseconds;

    /// <summary>Order in time.</summary>
    public static bool operator <=(WallTime left, WallTime right) => left.UnixMilliseconds <= right.UnixMilliseconds;

    /// <summary>Order in time.</summary>
    public static bool operator >=(WallTime left, WallTime right) => left.UnixMilliseconds >= right.UnixMilliseconds;
}
