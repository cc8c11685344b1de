namespace Macula.Testing.Network;

/// <summary>Round-trip time as QUIC estimates it, and what follows from it: how long a lost packet holds up what is in it.</summary>
internal sealed class RoundTripEstimator
{
    // RFC 9002 §6.2.2: without a sample, 333 ms.
    private static readonly TimeSpan InitialRoundTrip = TimeSpan.FromMilliseconds(333);

    // RFC 9002 §6.1.2: timers finer than this are not assumed.
    private static readonly TimeSpan Granularity = TimeSpan.FromMilliseconds(1);

    // RFC 9000 §18.2: the default of max_ack_delay.
    private static readonly TimeSpan MaxAckDelay = TimeSpan.FromMilliseconds(25);

    // RFC 9002 sets no limit; without one, a connection that is cut for an hour would compute times beyond any type's range.
    private const int MaxDoublings = 16;

    private TimeSpan _variation;

    /// <summary>Smoothed round-trip time; zero before the first sample.</summary>
    public TimeSpan Smoothed { get; private set; }

    public void Add(TimeSpan sample)
    {
        if (Smoothed == TimeSpan.Zero)
        {
            Smoothed = sample;
            _variation = sample / 2;
            return;
        }

        // RFC 9002 §5.3.
        _variation = (_variation * 0.75) + ((Smoothed - sample).Duration() * 0.25);
        Smoothed = (Smoothed * 0.875) + (sample * 0.125);
    }

    /// <summary>How long the sender waits for an acknowledgement before it sends again.</summary>
    /// <param name="losses">How often in a row that has been in vain already.</param>
    /// <remarks>RFC 9002 §6.2.1: smoothed_rtt + max(4 * rttvar, 1 ms) + max_ack_delay, doubled with each loss; during the handshake (§6.2.2) three initial round trips.</remarks>
    public TimeSpan ProbeTimeout(int losses)
    {
        var once = Smoothed == TimeSpan.Zero
            ? InitialRoundTrip * 3
            : Smoothed + TimeSpan.FromTicks(Math.Max(_variation.Ticks * 4, Granularity.Ticks)) + MaxAckDelay;
        return once * (1L << Math.Min(losses, MaxDoublings));
    }
}
