namespace Macula.Transport.Quic.Loop;

/// <summary>Allows so many events a second, with a burst of as many.</summary>
internal sealed class RateLimit(int perSecond)
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private ulong _second;
    private int _used;

    public bool TryTake(ulong now)
    {
        var second = now / NanosecondsPerSecond;
        if (second != _second)
        {
            _second = second;
            _used = 0;
        }

        return _used++ < perSecond;
    }
}
