using Macula.Transport.Quic.Connections;

namespace Macula.Transport.Quic.Loop;

/// <summary>The connections that may have something to send. On the loop's thread.</summary>
internal sealed class DirtyList
{
    private List<ConnectionCore> _current = [];
    private List<ConnectionCore> _other = [];

    public bool IsEmpty => _current.Count == 0;

    public void Add(ConnectionCore connection)
    {
        if (!connection.IsDirty && !connection.IsDead)
        {
            connection.IsDirty = true;
            _current.Add(connection);
        }
    }

    /// <summary>Lets each connection send; those that are added meanwhile, and all once the socket takes no more, come next time.</summary>
    public void Flush(ConnectionWriter writer, ulong now)
    {
        (_current, _other) = (_other, _current);
        foreach (var connection in _other)
        {
            connection.IsDirty = false;
            if (connection.IsDead)
            {
                continue;
            }

            if (writer.IsBlocked)
            {
                Add(connection);
            }
            else
            {
                connection.Flush(writer, now);
            }
        }

        _other.Clear();
        writer.Finish();
    }
}
