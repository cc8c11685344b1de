using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Time;

namespace Macula.Connections;

/// <summary>Closes connections that no application uses after a silence: [CON-16]. One timer for the realm, however many connections.</summary>
/// <remarks>Used on the realm's queue only. Bounded by the connections that are open: an entry leaves with its connection.</remarks>
internal sealed class IdleReaper
{
    private readonly RealmServices _realm;
    private readonly QueueTimer _timer;
    private readonly SortedDictionary<(Instant Due, ulong Number), MeshConnection> _byDue = [];
    private readonly Dictionary<MeshConnection, (Instant Due, ulong Number)> _dues = [];
    private ulong _number;
    private bool _stopped;

    /// <summary>Watches nothing yet.</summary>
    /// <param name="realm">Whose connections they are.</param>
    /// <param name="queue">The realm's queue.</param>
    public IdleReaper(RealmServices realm, SerialQueue queue)
    {
        _realm = realm;
        _timer = new QueueTimer(realm, queue, HandleTimeout);
    }

    /// <summary>Watches a connection from now on.</summary>
    public void Add(MeshConnection connection) => Watch(connection, connection.IdleSince + _realm.Limits.DhtIdleTimeout);

    /// <summary>The connection has ended.</summary>
    public void Remove(MeshConnection connection)
    {
        if (_dues.Remove(connection, out var key))
        {
            _byDue.Remove(key);
        }
    }

    /// <summary>Closes nothing more.</summary>
    public void Stop()
    {
        _stopped = true;
        _timer.Stop();
    }

    private void Watch(MeshConnection connection, Instant due)
    {
        if (_stopped)
        {
            return;
        }

        var key = (due, _number++);
        _dues.Add(connection, key);
        _byDue.Add(key, connection);
        SetTimer();
    }

    private void HandleTimeout()
    {
        var now = _realm.Scheduler.Now;
        while (!_stopped && _byDue.Count > 0 && _byDue.First() is var (key, connection) && key.Due <= now)
        {
            Remove(connection);
            Judge(connection, now);
        }

        SetTimer();
    }

    private void Judge(MeshConnection connection, Instant now)
    {
        // Once an application's, always an application's; and what drains ends by itself.
        if (connection.IsApplications || connection.IsDraining)
        {
            return;
        }

        // A stream that is in use or was begun meanwhile puts it off; who looks only when it is due needs no timer for each stream.
        var due = connection.IdleSince + _realm.Limits.DhtIdleTimeout;
        if (due > now)
        {
            Watch(connection, due);
        }
        else
        {
            _realm.Tasks.Run(() => connection.DrainAsync(ErrorCode.NoError, _realm.Limits.DrainTimeout));
        }
    }

    private void SetTimer() => _timer.Set(_byDue.Count > 0 ? _byDue.First().Key.Due : Instant.Never);
}
