using Macula.Wire.Time;

namespace Macula.Diagnostics;

/// <summary>Lets one log line of a kind through per interval and counts the rest, so that a stranger cannot fill a disk.</summary>
internal sealed class LogGate
{
    // Often enough that an operator sees an attack begin, rare enough that a day of it is under 1 MB of log.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private Instant? _open;
    private long _suppressed;

    /// <summary>True when a line may be written now.</summary>
    /// <param name="now">The present.</param>
    /// <param name="suppressed">How many were held back since the last one.</param>
    public bool TryPass(Instant now, out long suppressed)
    {
        lock (_gate)
        {
            if (_open is { } open && now < open)
            {
                _suppressed++;
                suppressed = 0;
                return false;
            }

            _open = now + Interval;
            suppressed = _suppressed;
            _suppressed = 0;
            return true;
        }
    }
}
