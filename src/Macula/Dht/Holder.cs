using Macula.Connections;
using Macula.Diagnostics;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>Holds records, serves them, and tells those who watch them what changes.</summary>
/// <remarks>The shell of <see cref="RecordStore"/> and <see cref="WatchTable"/>. Used on the realm's queue only.</remarks>
internal sealed class Holder
{
    private readonly RealmServices _realm;
    private readonly ConnectionTable _connections;
    private readonly DhtClient _client;
    private readonly RecordStore _store;
    private readonly WatchTable _watches;
    private readonly QueueTimer _timer;
    private readonly List<(VerifiedRecord Record, Completion<bool> Told)> _untilTold = [];
    private bool _isStopped;

    public Holder(RealmServices realm, SerialQueue queue, DhtOptions options, ConnectionTable connections, DhtClient client)
    {
        _realm = realm;
        _connections = connections;
        _client = client;
        _store = new RecordStore(realm.Self.NodeId, options.Store);
        _watches = new WatchTable(options.Watches);
        _timer = new QueueTimer(realm, queue, HandleTimeout);
    }

    /// <summary>Called with each record that is held from now on.</summary>
    public Action<VerifiedRecord>? Changed { get; set; }

    /// <summary>The keys under which something is held, nearest to this node first.</summary>
    public IEnumerable<DhtKey> Keys => _store.Keys;

    /// <summary>The records under a key that hold now, without tombstones.</summary>
    public IEnumerable<VerifiedRecord> Live(DhtKey key) => _store.Live(key, _realm.Scheduler.Now);

    /// <summary>A page of what is held under a key.</summary>
    public RecordPage Page(DhtKey key, NodeId? after) => _store.Page(key, after, _realm.Scheduler.Now);

    /// <summary>Takes a record; completes once those who watch its key have been told, or are given up ([REC-19]).</summary>
    public async ValueTask<RecordOutcome> StoreAsync(VerifiedRecord record)
    {
        var now = _realm.Scheduler.Now;
        var outcome = _store.Store(record, now, _realm.Scheduler.WallNow);
        if (outcome is RecordOutcome.Kept)
        {
            _watches.HandleChanged(record, now);
            Changed?.Invoke(record);
        }

        Pump();
        if (_watches.IsBehind(record) && !_isStopped)
        {
            var told = new Completion<bool>(_realm.Scheduler);
            _untilTold.Add((record, told));
            await told.Task;
        }

        return outcome;
    }

    /// <summary>A node asks to watch a key, or asks again.</summary>
    public WatchGrant Watch(NodeId watcher, DhtKey key, TimeSpan lease)
    {
        var grant = _watches.HandleWatch(watcher, key, lease, _realm.Scheduler.Now);
        Pump();
        return grant;
    }

    /// <summary>The last connection to a node has ended.</summary>
    public void HandleDisconnected(NodeId node)
    {
        _watches.HandleGone(node);
        Pump();
    }

    /// <summary>Ends what is under way.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
        foreach (var (_, told) in _untilTold)
        {
            told.TrySetResult(true);
        }

        _untilTold.Clear();
    }

    private void HandleTimeout()
    {
        _store.HandleTimeout(_realm.Scheduler.Now);
        _watches.HandleTimeout(_realm.Scheduler.Now);
        Pump();
    }

    private void Pump()
    {
        if (_isStopped)
        {
            return;
        }

        while (_watches.TryPoll(out var output))
        {
            switch (output)
            {
                case WatchTableOutput.Push push:
                    _realm.Tasks.Run(() => PushAsync(push));
                    break;
                case WatchTableOutput.Lost lost:
                    _realm.Metrics.WatcherLost();
                    _realm.Logger.WatcherLost(lost.Watcher);
                    break;
            }
        }

        for (var index = _untilTold.Count - 1; index >= 0; index--)
        {
            if (_untilTold[index] is var (record, told) && !_watches.IsBehind(record))
            {
                _untilTold.RemoveAt(index);
                told.TrySetResult(true);
            }
        }

        _timer.Set(Wire.Time.Instant.Earlier(_store.PollTimeout(), _watches.PollTimeout()));
    }

    private async Task PushAsync(WatchTableOutput.Push push)
    {
        try
        {
            // Never dialled for: a watcher whose connection is gone has lost its watches with it ([KAD-32]).
            var connection = _connections.Find(push.Watcher) ?? throw new MaculaException(ErrorCode.ConnectionLost);
            await _client.PushAsync(connection, push.Key, push.Records);
            _watches.HandleDone(push.Watcher, push.Key, _realm.Scheduler.Now);
        }
        catch (MaculaException)
        {
            _watches.HandleGone(push.Watcher);
        }

        Pump();
    }
}
