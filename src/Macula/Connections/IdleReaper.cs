using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Time;

namespace Macula.Connections;

/// <summary>Closes connections that no application uses after a silence: [CON-16]. One timer for the realm, however many connections.</summary>
/// <remarks>Used on the realm's queue only. Bounded by the connections that are open: an entry leaves with its connection.</remarks>
internal sealed class IdleReaper(RealmServices realm)
{
    // The resolution of the system's timers, which may fire a little early by the monotonic clock.
    private static readonly TimeSpan LeastTimer = TimeSpan.FromMilliseconds(1);

    private readonly SortedDictionary<(Instant Due, ulong Number), MeshConnection> _byDue = [];
    private readonly Dictionary<MeshConnection, (Instant Due, ulong Number)> _dues = [];
    private SerialQueue? _queue;
    private ITimer? _timer;
    private ulong _number;
    private bool _stopped;

    /// <summary>Begins; to be called once, on the realm's queue.</summary>
    /// <param name="queue">The realm's queue.</param>
    public void Start(SerialQueue queue)
    {
        _queue = queue;
        _timer = realm.Scheduler.Time.CreateTimer(
            static state => ((IdleReaper)state!).PostTimeout(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Watches a connection from now on.</summary>
    public void Add(MeshConnection connection) => Watch(connection, connection.IdleSince + realm.Limits.DhtIdleTimeout);

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
        _timer?.Dispose();
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
        if (_byDue.First().Key == key)
        {
            ArmTimer();
        }
    }

    private void PostTimeout() => _queue!.Post(static state => ((IdleReaper)state!).HandleTimeout(), this);

    private void HandleTimeout()
    {
        var now = realm.Scheduler.Now;
        while (!_stopped && _byDue.Count > 0 && _byDue.First() is var (key, connection) && key.Due <= now)
        {
            Remove(connection);
            Judge(connection, now);
        }

        ArmTimer();
    }

    private void Judge(MeshConnection connection, Instant now)
    {
        // Once an application's, always an application's; and what drains ends by itself.
        if (connection.IsApplications || connection.IsDraining)
        {
            return;
        }

        // A stream that is in use or was begun meanwhile puts it off; who looks only when it is due needs no timer for each stream.
        var due = connection.IdleSince + realm.Limits.DhtIdleTimeout;
        if (due > now)
        {
            Watch(connection, due);
        }
        else
        {
            realm.Tasks.Run(() => connection.DrainAsync(ErrorCode.NoError, realm.Limits.DrainTimeout));
        }
    }

    private void ArmTimer()
    {
        if (!_stopped && _byDue.Count > 0)
        {
            var left = _byDue.First().Key.Due - realm.Scheduler.Now;
            _timer!.Change(left > LeastTimer ? left : LeastTimer, Timeout.InfiniteTimeSpan);
        }
    }
}
