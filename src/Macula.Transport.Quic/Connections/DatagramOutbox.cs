using System.Buffers;

namespace Macula.Transport.Quic.Connections;

/// <summary>Datagrams that wait to be sent (RFC 9221). Filled from any thread, emptied by the loop.</summary>
internal sealed class DatagramOutbox(int capacity)
{
    private readonly Lock _gate = new();
    private Queue<(byte[] Buffer, int Length)>? _waiting;
    private bool _closed;

    /// <summary>Copies a datagram in; false when the outbox is full or closed.</summary>
    /// <param name="datagram">The bytes.</param>
    /// <param name="wasEmpty">Whether the loop must be told.</param>
    public bool TryAdd(ReadOnlySpan<byte> datagram, out bool wasEmpty)
    {
        lock (_gate)
        {
            _waiting ??= new();
            wasEmpty = _waiting.Count == 0;
            if (_closed || _waiting.Count >= capacity)
            {
                return false;
            }

            var buffer = ArrayPool<byte>.Shared.Rent(datagram.Length);
            datagram.CopyTo(buffer);
            _waiting.Enqueue((buffer, datagram.Length));
            return true;
        }
    }

    /// <summary>Looks at the next datagram; it stays until <see cref="Remove"/>.</summary>
    public bool TryPeek(out ReadOnlySpan<byte> datagram)
    {
        lock (_gate)
        {
            if (_waiting is not null && _waiting.TryPeek(out var next))
            {
                datagram = next.Buffer.AsSpan(0, next.Length);
                return true;
            }

            datagram = default;
            return false;
        }
    }

    /// <summary>Removes the datagram that was looked at.</summary>
    public void Remove()
    {
        lock (_gate)
        {
            ArrayPool<byte>.Shared.Return(_waiting!.Dequeue().Buffer);
        }
    }

    /// <summary>Takes no more. What is held stays until <see cref="Clear"/>, since the loop may look at it now.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }

    /// <summary>Drops everything. On the loop's thread.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            while (_waiting is not null && _waiting.TryDequeue(out var next))
            {
                ArrayPool<byte>.Shared.Return(next.Buffer);
            }
        }
    }
}
