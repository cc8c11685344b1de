using Macula.Wire;

namespace Macula.Protocols.Kademlia;

/// <summary>How long to wait before the next of several attempts: exponential with full jitter, so that those who failed together do not return together.</summary>
internal static class Backoff
{
    /// <summary>A wait drawn from 0 to twice as much for each attempt, up to a longest.</summary>
    /// <param name="attempt">How many attempts have failed, at least 1.</param>
    /// <param name="first">The longest wait after the first.</param>
    /// <param name="longest">The longest wait after any.</param>
    /// <param name="random">Where the wait comes from.</param>
    public static TimeSpan Draw(int attempt, TimeSpan first, TimeSpan longest, RandomSource random)
    {
        // Beyond 2^20 times the first wait every sensible longest is reached; the bound keeps the product finite.
        var ceiling = first * Math.Pow(2, Math.Min(attempt - 1, 20));
        return (ceiling < longest ? ceiling : longest) * random.NextDouble();
    }
}
