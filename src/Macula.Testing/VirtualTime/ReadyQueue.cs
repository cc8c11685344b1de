namespace Macula.Testing.VirtualTime;

/// <summary>What can run now: first come, first served, but for a seeded choice among the oldest few, which production would run in parallel.</summary>
internal sealed class ReadyQueue(SeededRandomSource random)
{
    // Wide enough that any two of a handful of parallel items meet in both orders over some seeds; items that wait longer still come first.
    private const int Window = 8;

    private ReadyItem[] _ring = new ReadyItem[64];
    private int _first;

    public int Count { get; private set; }

    public void Enqueue(ReadyItem item)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }

        _ring[(_first + Count) & (_ring.Length - 1)] = item;
        Count++;
    }

    public bool TryDequeue(out ReadyItem item)
    {
        if (Count == 0)
        {
            item = default;
            return false;
        }

        if (Count > 1)
        {
            var chosen = (_first + random.Next(Math.Min(Count, Window))) & (_ring.Length - 1);
            (_ring[_first], _ring[chosen]) = (_ring[chosen], _ring[_first]);
        }

        item = _ring[_first];
        _ring[_first] = default;
        _first = (_first + 1) & (_ring.Length - 1);
        Count--;
        return true;
    }

    private void Grow()
    {
        var larger = new ReadyItem[_ring.Length * 2];
        for (var index = 0; index < Count; index++)
        {
            larger[index] = _ring[(_first + index) & (_ring.Length - 1)];
        }

        _ring = larger;
        _first = 0;
    }
}

/// <summary>One thing that can run now.</summary>
/// <param name="Owner">The node that runs it; null for the world itself.</param>
/// <param name="Item">What to run.</param>
internal readonly record struct ReadyItem(VirtualScheduler? Owner, IThreadPoolWorkItem Item);
