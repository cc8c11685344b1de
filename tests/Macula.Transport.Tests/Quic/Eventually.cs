namespace Macula.Transport.Tests.Quic;

/// <summary>Waits for what no completion announces: counters, memory, the kernel.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    public static async Task HoldsAsync(Func<bool> condition, CancellationToken deadline)
    {
        using var timer = new PeriodicTimer(Interval);
        while (!condition())
        {
            await timer.WaitForNextTickAsync(deadline);
        }
    }
}
