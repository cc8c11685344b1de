using System.Collections.Immutable;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Dht;

/// <summary>One key of the DHT that this node watches at the nearest holders.</summary>
/// <remarks>The shell of <see cref="WatchedKey"/>. Used on the realm's queue only.</remarks>
internal sealed class KeyWatch
{
    // As many as a full key has if each holds few records; a holder that makes up more is heard no longer.
    private const int MaxPages = 1024;

    private readonly RealmServices _realm;
    private readonly DhtMode _mode;
    private readonly Joining _joining;
    private readonly Overlay _overlay;
    private readonly Holder _holder;
    private readonly RecordIntake _intake;
    private readonly WatchedKey _core;
    private readonly QueueTimer _timer;
    private readonly List<Action> _listeners = [];
    private readonly WaitingList _untilInForce;
    private bool _isAlone;
    private bool _isStopped;

    public KeyWatch(RealmServices realm, SerialQueue queue, DhtMode mode, Joining joining, Overlay overlay, Holder holder, RecordIntake intake, DhtKey key)
    {
        _realm = realm;
        _mode = mode;
        _joining = joining;
        _overlay = overlay;
        _holder = holder;
        _intake = intake;
        Key = key;
        _core = new WatchedKey(key, new WatchedKeyOptions(), realm.Scheduler.Now);
        _untilInForce = new WaitingList(realm.Scheduler);
        _timer = new QueueTimer(realm, queue, HandleTimeout);
    }

    /// <summary>What is watched.</summary>
    public DhtKey Key { get; }

    /// <summary>How often it was used.</summary>
    public uint Uses { get; private set; }

    /// <summary>When it was used last.</summary>
    public Instant UsedAt { get; private set; }

    /// <summary>True while somebody listens or waits.</summary>
    public bool IsHeld => _listeners.Count > 0 || !_untilInForce.IsEmpty;

    /// <summary>True while the nearest holders push to this node and have been read; or while this node is the only one that holds anything.</summary>
    public bool IsInForce => _core.IsInForce || _isAlone;

    /// <summary>The records under the key that hold now, without tombstones, this node's own among them.</summary>
    public IEnumerable<VerifiedRecord> Live => _core.Live(_realm.Scheduler.Now);

    /// <summary>It is used now.</summary>
    public void Use()
    {
        Uses++;
        UsedAt = _realm.Scheduler.Now;
    }

    /// <summary>Has the action called after each change, until it is taken back.</summary>
    public void Listen(Action changed) => _listeners.Add(changed);

    /// <summary>Takes back <see cref="Listen"/>.</summary>
    public void StopListening(Action changed) => _listeners.Remove(changed);

    /// <summary>Begins.</summary>
    public void Start()
    {
        HandlePushed([.. _holder.Live(Key)]);
        Pump();
    }

    /// <summary>Completes when the watch is in force.</summary>
    /// <exception cref="OperationCanceledException">The token fired; watching goes on.</exception>
    /// <exception cref="MaculaException">The node stops, or the watch gave way to another.</exception>
    public ValueTask WhenInForceAsync(CancellationToken cancellationToken) =>
        IsInForce ? ValueTask.CompletedTask : _untilInForce.WaitAsync(cancellationToken);

    /// <summary>A holder pushed these, and they have been verified.</summary>
    public void HandlePushed(ImmutableArray<VerifiedRecord> records)
    {
        if (!_core.HandleRecords(records, _realm.Scheduler.Now, _realm.Scheduler.WallNow).IsEmpty)
        {
            foreach (var listener in _listeners.ToArray())
            {
                listener();
            }
        }
    }

    /// <summary>This node has come into the network, or back.</summary>
    public void HandleJoined()
    {
        _isAlone = false;
        _core.HandleJoined(_realm.Scheduler.Now);
        Pump();
    }

    /// <summary>A node has come into the routing table.</summary>
    public void HandleNewcomer(NodeId node)
    {
        _core.HandleNewcomer(node, _realm.Scheduler.Now);
        Pump();
    }

    /// <summary>The last connection to a node has ended.</summary>
    public void HandleDisconnected(NodeId node)
    {
        _core.HandleFailed(node, _realm.Scheduler.Now);
        Pump();
    }

    /// <summary>Watches no more; the leases end by themselves.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
        _untilInForce.Close();
    }

    private void HandleTimeout()
    {
        _core.HandleTimeout(_realm.Scheduler.Now);
        Pump();
    }

    private void Pump()
    {
        if (_isStopped)
        {
            return;
        }

        while (_core.TryPoll(_realm.Scheduler.Now, out var output))
        {
            switch (output)
            {
                case WatchedKeyOutput.FindHolders:
                    _realm.Tasks.Run(FindHoldersAsync);
                    break;
                case WatchedKeyOutput.Watch watch:
                    _realm.Tasks.Run(() => WatchAsync(watch));
                    break;
                case WatchedKeyOutput.Read read:
                    _realm.Tasks.Run(() => ReadAsync(read));
                    break;
            }
        }

        _timer.Set(_core.PollTimeout());
        if (IsInForce)
        {
            _untilInForce.Release();
        }
    }

    private async Task FindHoldersAsync()
    {
        ImmutableArray<Contact> nearest = [];
        try
        {
            // Before the first attempt to join has ended, nobody is known who could hold anything.
            await _joining.SettleAsync(CancellationToken.None);
            nearest = (await _overlay.LookUpAsync(LookupGoal.Nodes, Key)).Closest;
        }
        catch (MaculaException)
        {
            // The node stops, or is too busy: the core asks again.
        }

        // A server that has tried and found nobody else holds whatever there is.
        _isAlone = nearest.IsEmpty && _mode == DhtMode.Server && !_joining.IsJoined;
        _core.HandleHolders(nearest, _realm.Scheduler.Now, _realm.Random);
        Pump();
    }

    private async Task WatchAsync(WatchedKeyOutput.Watch watch)
    {
        try
        {
            var connection = await _overlay.ConnectAsync(watch.Holder);
            var watching = await _overlay.Client.WatchAsync(connection, watch.Key, watch.Lease);
            _core.HandleWatching(watch.Holder.Node, watching.Lease, watching.Continuity, _realm.Scheduler.Now);
        }
        catch (MaculaException exception)
        {
            _overlay.HandleFailed(watch.Holder, exception);
            _core.HandleFailed(watch.Holder.Node, _realm.Scheduler.Now);
        }

        Pump();
    }

    private async Task ReadAsync(WatchedKeyOutput.Read read)
    {
        try
        {
            var connection = await _overlay.ConnectAsync(read.Holder);
            NodeId? after = null;
            for (var pages = 0; pages < MaxPages && !_isStopped; pages++)
            {
                var page = await _overlay.Client.FindValueAsync(connection, read.Key, after);
                var records = await _intake.TakeAllAsync(connection, page.Records);
                HandlePushed(records);

                // [KAD-36]: what does not go on from the page before would lead round in a circle, and a page without a further publisher is no step.
                if (page.Next is not { } next || after >= next || !records.Any(record => record.Key == Key && !(record.Publisher <= after)))
                {
                    break;
                }

                after = next;
            }

            _core.HandleRead(read.Holder.Node, read.Number);
        }
        catch (MaculaException exception)
        {
            _overlay.HandleFailed(read.Holder, exception);
            _core.HandleFailed(read.Holder.Node, _realm.Scheduler.Now);
        }

        Pump();
    }
}
