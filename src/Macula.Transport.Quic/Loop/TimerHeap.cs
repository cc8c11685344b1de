using System.Diagnostics.CodeAnalysis;
using Macula.Transport.Quic.Connections;

namespace Macula.Transport.Quic.Loop;

/// <summary>When each connection wants to be called again.</summary>
/// <remarks>
/// A deadline that moves later leaves its old entry in place; popped too early, it is armed anew. So a packet that
/// extends a deadline costs nothing here. At most one entry per connection counts; others are skipped.
/// </remarks>
internal sealed class TimerHeap
{
    /// <summary>No deadline.</summary>
    public const ulong Never = ulong.MaxValue;

    private readonly PriorityQueue<ConnectionCore, ulong> _entries = new();

    /// <summary>Makes sure that the connection is called at <paramref name="deadline"/> (nanoseconds) at the latest.</summary>
    public void Arm(ConnectionCore connection, ulong deadline)
    {
        if (deadline < connection.ArmedFor)
        {
            connection.ArmedFor = deadline;
            _entries.Enqueue(connection, deadline);
        }
    }

    /// <summary>Takes a connection whose deadline has come.</summary>
    public bool TryTakeDue(ulong now, [NotNullWhen(true)] out ConnectionCore? connection)
    {
        while (NextDeadline() <= now)
        {
            connection = _entries.Dequeue();
            connection.ArmedFor = Never;
            return true;
        }

        connection = null;
        return false;
    }

    /// <summary>The earliest deadline that counts.</summary>
    public ulong NextDeadline()
    {
        while (_entries.TryPeek(out var connection, out var deadline))
        {
            if (!connection.IsDead && connection.ArmedFor == deadline)
            {
                return deadline;
            }

            _entries.Dequeue();
        }

        return Never;
    }
}
