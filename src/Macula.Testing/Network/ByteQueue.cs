namespace Macula.Testing.Network;

/// <summary>Bytes in order: added in pieces at one end, taken in other pieces at the other.</summary>
internal sealed class ByteQueue
{
    private readonly Queue<ReadOnlyMemory<byte>> _pieces = new();
    private ReadOnlyMemory<byte> _first;

    public int Count { get; private set; }

    /// <summary>Adds bytes, which the queue keeps: nobody may change them afterwards.</summary>
    public void Add(ReadOnlyMemory<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            _pieces.Enqueue(bytes);
            Count += bytes.Length;
        }
    }

    /// <summary>Takes as many bytes as fit.</summary>
    public int Take(Span<byte> destination)
    {
        var taken = 0;
        while (taken < destination.Length && Count > 0)
        {
            if (_first.IsEmpty)
            {
                _first = _pieces.Dequeue();
            }

            var length = Math.Min(_first.Length, destination.Length - taken);
            _first.Span[..length].CopyTo(destination[taken..]);
            _first = _first[length..];
            taken += length;
            Count -= length;
        }

        return taken;
    }

    public void Clear()
    {
        _pieces.Clear();
        _first = default;
        Count = 0;
    }
}
