using System.Diagnostics;

namespace Macula.Transport.Quic.Loop;

/// <summary>The loop's time in nanoseconds; it never runs backwards.</summary>
/// <remarks>
/// Read from the system's monotonic clock, not from the scheduler's: the kernel and the other side keep real time, and a QUIC endpoint
/// has no other.
/// </remarks>
internal sealed class LoopClock
{
    /// <summary>What was read last.</summary>
    public ulong Latest { get; private set; }

    /// <summary>Reads the clock.</summary>
    public ulong Read()
    {
        // On Linux the stopwatch counts nanoseconds of CLOCK_MONOTONIC.
        Latest = Math.Max(Latest, (ulong)Stopwatch.GetTimestamp());
        return Latest;
    }
}
