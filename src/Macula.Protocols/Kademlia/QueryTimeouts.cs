namespace Macula.Protocols.Kademlia;

/// <summary>How long to wait for an answer, learned from answers: one for all lookups of a node [KAD-12].</summary>
/// <remarks>RFC 6298 §2 over queries, a dial that they needed included, since that is what a lookup waits for.</remarks>
public sealed class QueryTimeouts
{
    // A dial and a question on a link of 200 ms each way take 1.2 s.
    private static readonly TimeSpan Initial = TimeSpan.FromMilliseconds(1500);

    /// <summary>The shortest wait: 200 ms.</summary>
    // On a local network; below this, a pause of the other side's garbage collector would count as silence.
    public static TimeSpan Shortest { get; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait: 3 s.</summary>
    // A dial to a dead node takes that long to fail; a lookup that waits longer is slower than one that goes on.
    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(3);

    private TimeSpan? _smoothed;
    private TimeSpan _variation;

    /// <summary>How long to wait now, <see cref="Shortest"/> to <see cref="Longest"/>; 1.5 s before the first answer.</summary>
    public TimeSpan Current
    {
        get
        {
            if (_smoothed is not { } smoothed)
            {
                return Initial;
            }

            var wait = smoothed + (4 * _variation);
            return wait < Shortest ? Shortest : wait > Longest ? Longest : wait;
        }
    }

    /// <summary>A query was answered.</summary>
    /// <param name="elapsed">From asking to the answer; negative counts as nothing.</param>
    public void HandleAnswer(TimeSpan elapsed)
    {
        // One answer that came after minutes must not hold up the next hundred lookups.
        var measured = elapsed < TimeSpan.Zero ? TimeSpan.Zero : elapsed > Longest ? Longest : elapsed;
        if (_smoothed is not { } smoothed)
        {
            _smoothed = measured;
            _variation = measured / 2;
            return;
        }

        // RFC 6298 §2.3: beta 1/4, alpha 1/8.
        _variation = (0.75 * _variation) + (0.25 * (smoothed - measured).Duration());
        _smoothed = (0.875 * smoothed) + (0.125 * measured);
    }
}
