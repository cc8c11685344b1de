using System.Collections.Immutable;

namespace Macula.Wire.MessagePack;

/// <summary>The entries of a map in the order in which they were given, with an index over their keys.</summary>
internal sealed class MeshMap
{
    // Up to here comparing one by one is faster than an index, and saves its memory.
    private const int MaxEntriesWithoutIndex = 8;

    // Positions in key order; null for small maps. Sorting needs no hash, so no choice of keys makes it slow.
    private readonly int[]? _order;

    private MeshMap(ImmutableArray<KeyValuePair<MeshValue, MeshValue>> entries, int[]? order, int depth, int elements)
    {
        Entries = entries;
        _order = order;
        Depth = depth;
        Elements = elements;
    }

    public ImmutableArray<KeyValuePair<MeshValue, MeshValue>> Entries { get; }

    /// <summary>Containers that enclose each other from here inwards, this one included.</summary>
    public int Depth { get; }

    /// <summary>Values inside, at every depth.</summary>
    public int Elements { get; }

    /// <summary>Builds a map; null when a key stands twice in it. The keys are strings or integers.</summary>
    public static MeshMap? TryCreate(ImmutableArray<KeyValuePair<MeshValue, MeshValue>> entries)
    {
        int[]? order = null;
        if (entries.Length <= MaxEntriesWithoutIndex)
        {
            for (var index = 1; index < entries.Length; index++)
            {
                if (Find(entries.AsSpan()[..index], entries[index].Key) >= 0)
                {
                    return null;
                }
            }
        }
        else
        {
            order = new int[entries.Length];
            for (var index = 0; index < order.Length; index++)
            {
                order[index] = index;
            }

            System.Array.Sort(order, (left, right) => CompareKeys(entries[left].Key, entries[right].Key));
            for (var rank = 1; rank < order.Length; rank++)
            {
                if (CompareKeys(entries[order[rank - 1]].Key, entries[order[rank]].Key) == 0)
                {
                    return null;
                }
            }
        }

        var depth = 0;
        var elements = 2 * entries.Length;
        foreach (var (_, value) in entries)
        {
            depth = Math.Max(depth, value.Depth);
            elements += value.Elements;
        }

        return new MeshMap(entries, order, depth + 1, elements);
    }

    public bool TryGet(MeshValue key, out MeshValue value)
    {
        var index = _order is null ? Find(Entries.AsSpan(), key) : FindByIndex(_order, key);
        value = index >= 0 ? Entries[index].Value : default;
        return index >= 0;
    }

    private static int Find(ReadOnlySpan<KeyValuePair<MeshValue, MeshValue>> entries, MeshValue key)
    {
        for (var index = 0; index < entries.Length; index++)
        {
            if (entries[index].Key.Equals(key))
            {
                return index;
            }
        }

        return -1;
    }

    private static int CompareKeys(MeshValue left, MeshValue right)
    {
        var order = left.Kind.CompareTo(right.Kind);
        return order != 0 ? order
            : left.Kind == MessagePackKind.String ? string.CompareOrdinal(left.AsString(), right.AsString())
            : left.AsInt128().CompareTo(right.AsInt128());
    }

    private int FindByIndex(int[] order, MeshValue key)
    {
        if (key.Kind is not (MessagePackKind.String or MessagePackKind.Integer))
        {
            return -1;
        }

        var low = 0;
        var high = order.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var comparison = CompareKeys(Entries[order[middle]].Key, key);
            if (comparison == 0)
            {
                return order[middle];
            }

            if (comparison < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return -1;
    }
}
