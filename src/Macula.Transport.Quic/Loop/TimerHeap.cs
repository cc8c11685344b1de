using System.Diagnostics.CodeAnalysis;
using Macula.Transport.Quic.Connections;

namespace Macula.Transport.Quic.Loop;

/// <summary>When each connection wants to be called again: a binary heap that holds each connection once.</summary>
/// <remarks>
/// A deadline that moves later leaves the entry where it is; taken too early, the connection arms it anew. So a packet that extends a
/// deadline costs nothing here.
/// </remarks>
internal sealed class TimerHeap
{
    /// <summary>No deadline.</summary>
    public const ulong Never = ulong.MaxValue;

    private readonly List<ConnectionCore> _heap = [];

    /// <summary>The earliest deadline.</summary>
    public ulong NextDeadline => _heap.Count == 0 ? Never : _heap[0].ArmedFor;

    /// <summary>Makes sure that the connection is called at <paramref name="deadline"/> (nanoseconds) at the latest.</summary>
    public void Arm(ConnectionCore connection, ulong deadline)
    {
        if (deadline >= connection.ArmedFor)
        {
            return;
        }

        connection.ArmedFor = deadline;
        if (connection.HeapIndex < 0)
        {
            connection.HeapIndex = _heap.Count;
            _heap.Add(connection);
        }

        Rise(connection);
    }

    /// <summary>Takes a connection whose deadline has come.</summary>
    public bool TryTakeDue(ulong now, [NotNullWhen(true)] out ConnectionCore? connection)
    {
        connection = null;
        if (NextDeadline > now)
        {
            return false;
        }

        connection = _heap[0];
        Remove(connection);
        return true;
    }

    /// <summary>Forgets a connection.</summary>
    public void Remove(ConnectionCore connection)
    {
        var index = connection.HeapIndex;
        if (index < 0)
        {
            return;
        }

        connection.HeapIndex = -1;
        connection.ArmedFor = Never;
        var last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (last != connection)
        {
            Place(last, index);
            Rise(last);
            Sink(last);
        }
    }

    private void Rise(ConnectionCore connection)
    {
        while (connection.HeapIndex > 0 && _heap[(connection.HeapIndex - 1) / 2] is var parent && parent.ArmedFor > connection.ArmedFor)
        {
            Swap(connection, parent);
        }
    }

    private void Sink(ConnectionCore connection)
    {
        while ((2 * connection.HeapIndex) + 1 is var left && left < _heap.Count)
        {
            var child = _heap[left];
            if (left + 1 < _heap.Count && _heap[left + 1].ArmedFor < child.ArmedFor)
            {
                child = _heap[left + 1];
            }

            if (child.ArmedFor >= connection.ArmedFor)
            {
                return;
            }

            Swap(connection, child);
        }
    }

    private void Swap(ConnectionCore first, ConnectionCore second)
    {
        var index = first.HeapIndex;
        Place(first, second.HeapIndex);
        Place(second, index);
    }

    private void Place(ConnectionCore connection, int index)
    {
        _heap[index] = connection;
        connection.HeapIndex = index;
    }
}
