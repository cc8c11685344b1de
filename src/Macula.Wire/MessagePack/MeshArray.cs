using System.Collections.Immutable;

namespace Macula.Wire.MessagePack;

/// <summary>The elements of an array, with what its enclosing containers must know of it.</summary>
internal sealed class MeshArray
{
    public MeshArray(ImmutableArray<MeshValue> items)
    {
        Items = items;
        Elements = items.Length;
        foreach (var item in items)
        {
            Depth = Math.Max(Depth, item.Depth);
            Elements += item.Elements;
        }

        Depth++;
    }

    public ImmutableArray<MeshValue> Items { get; }

    /// <summary>Containers that enclose each other from here inwards, this one included.</summary>
    public int Depth { get; }

    /// <summary>Values inside, at every depth.</summary>
    public int Elements { get; }
}
