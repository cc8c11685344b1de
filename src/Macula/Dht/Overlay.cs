using System.Collections.Immutable;
using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>This node's place among the others of its realm: whom it knows, and how it finds those whom it does not know.</summary>
/// <remarks>The shell of <see cref="RoutingTable"/> and of every <see cref="Lookup"/>. Used on the realm's queue only.</remarks>
internal sealed class Overlay
{
    // A lookup has up to 20 questions under way; so many at once are as much as one node should ask of its realm.
    private const int MaxLookups = 64;

    // What an application may have waiting; beyond it lookups fail at once.
    private const int MaxWaitingLookups = 4096;

    private readonly RealmServices _realm;
    private readonly SerialQueue _queue;
    private readonly DhtSettings _settings;
    private readonly NodeConnector _connector;
    private readonly RecordIntake _intake;
    private readonly RoutingTable _table;
    private readonly QueryTimeouts _timeouts = new();
    private readonly QueueTimer _timer;
    private readonly List<RunningLookup> _lookups = [];
    private readonly Queue<Completion<bool>> _waiting = new();

    // One for each bucket at most: see RoutingTable.
    private readonly Queue<DhtKey> _refreshes = new();
    private bool _isRefreshing;
    private bool _hasPopulation;
    private int _placesTaken;
    private bool _isStopped;

    public Overlay(RealmServices realm, SerialQueue queue, DhtSettings settings, NodeConnector connector, DhtClient client, RecordIntake intake)
    {
        _realm = realm;
        _queue = queue;
        _settings = settings;
        _connector = connector;
        Client = client;
        _intake = intake;
        _table = new RoutingTable(realm.Self.NodeId, new RoutingTableOptions { Addresses = settings.Dialable });
        _timer = new QueueTimer(realm, queue, HandleTimeout);
    }

    /// <summary>Asks the questions.</summary>
    public DhtClient Client { get; }

    /// <summary>How many nodes are in the routing table.</summary>
    public int Count => _table.Count;

    /// <summary>Called when the table has changed from empty to not, or back.</summary>
    public Action? PopulationChanged { get; set; }

    /// <summary>Called with each node that has come into the table.</summary>
    public Action<NodeId>? Entered { get; set; }

    /// <summary>The nodes of the table nearest to a target, nearest first.</summary>
    public IReadOnlyList<Contact> Closest(DhtKey target) => _table.Closest(target, KademliaConstants.BucketSize);

    /// <summary>The node as it stands in the table; null when it does not.</summary>
    public Contact? Find(NodeId node) => _table.Find(node);

    /// <summary>The connection to a node, dialled if there is none.</summary>
    /// <exception cref="MaculaException">It cannot be reached.</exception>
    public ValueTask<MeshConnection> ConnectAsync(Contact contact) => _connector.ConnectAsync(contact, CancellationToken.None);

    /// <summary>Looks up nodes or records by asking the network, at most <see cref="LookupOptions.MaxDuration"/>.</summary>
    /// <param name="goal">What is wanted.</param>
    /// <param name="target">The point or key.</param>
    /// <exception cref="MaculaException">Too many lookups wait, or the node stops.</exception>
    public async Task<LookupResult> LookUpAsync(LookupGoal goal, DhtKey target)
    {
        await EnterAsync();
        var now = _realm.Scheduler.Now;
        _table.HandleLookup(target, now);
        var core = new Lookup(goal, target, _realm.Self.NodeId, Closest(target), _timeouts, new LookupOptions { Addresses = _settings.Dialable }, now);
        var lookup = new RunningLookup(_realm, _queue, this, _intake, core);
        _lookups.Add(lookup);
        try
        {
            var result = await lookup.RunAsync();
            _realm.Metrics.LookupFinished(_realm.Scheduler.Now - now, result.End);
            _realm.Logger.LookupFinished(target, result.End, result.Queries, result.Rounds, result.Records.Length);
            return result;
        }
        finally
        {
            _lookups.Remove(lookup);
            Leave();
            Pump();
        }
    }

    /// <summary>Asks a node that was known by an address alone; afterwards it is in the table, or waits for a place there, if the policy lets it hold records.</summary>
    /// <exception cref="MaculaException">It does not answer, or is in client mode.</exception>
    public async ValueTask MeetAsync(MeshConnection connection, NodeAddress address)
    {
        await Client.PingAsync(connection);
        HandleAlive(connection, new Contact(connection.Peer.NodeId, [address]));
        Pump();
    }

    /// <summary>Asks a node for those nearest to this one, and pings whom this one did not know ([KAD-23]).</summary>
    /// <exception cref="MaculaException">It does not answer, or is in client mode.</exception>
    public async ValueTask HearNeighboursAsync(MeshConnection connection)
    {
        foreach (var contact in await Client.FindNodeAsync(connection, DhtKey.PlaceOf(_realm.Self.NodeId)))
        {
            _table.HandleHeard(contact, _realm.Scheduler.Now);
        }

        Pump();
    }

    /// <summary>A node asked something, and named its addresses; none when it is in client mode.</summary>
    public void HandleRequest(MeshConnection from, ImmutableArray<NodeAddress> addresses)
    {
        var now = _realm.Scheduler.Now;
        if (addresses.IsEmpty)
        {
            _table.Remove(from.Peer.NodeId, now);
        }
        else if (MayStore(from))
        {
            Hear(new Contact(from.Peer.NodeId, addresses));
        }

        Pump();
    }

    /// <summary>A node answered as one in server mode does.</summary>
    public void HandleAnswered(Contact contact)
    {
        Hear(contact);
        Pump();
    }

    /// <summary>A node could not be reached, or refused.</summary>
    public void HandleFailed(Contact contact, MaculaException reason)
    {
        var now = _realm.Scheduler.Now;
        if (reason is not DhtRefusedException)
        {
            _table.HandleFailed(contact, now);
        }
        else if (reason.Code == ErrorCode.InClientMode)
        {
            _table.Remove(contact.Node, now);
        }
        else
        {
            _table.HandleSeen(contact.Node, now);
        }

        Pump();
    }

    /// <summary>Fills the buckets, as after joining.</summary>
    public void RefreshAll()
    {
        _table.RefreshAll(_realm.Scheduler.Now, _realm.Random);
        Pump();
    }

    /// <summary>Ends what is under way.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
        foreach (var lookup in _lookups)
        {
            lookup.Abort();
        }

        while (_waiting.TryDequeue(out var waiting))
        {
            waiting.TrySetException(new MaculaException(ErrorCode.ShuttingDown));
        }
    }

    private bool MayStore(MeshConnection connection) => _realm.Authorizer.Authorize(connection.Peer, MeshAction.Store, "").IsAllowed;

    // Something has just come from it: over a connection by which it is proven to be there, that is enough; otherwise it is dialled ([KAD-3]).
    private void Hear(Contact contact)
    {
        if (_connector.FindProven(contact) is { } proven)
        {
            HandleAlive(proven, contact);
        }
        else
        {
            _table.HandleHeard(contact, _realm.Scheduler.Now);
            _table.HandleSeen(contact.Node, _realm.Scheduler.Now);
        }
    }

    private void HandleAlive(MeshConnection proven, Contact contact)
    {
        // [KAD-3]: records are only given to whom the policy lets hold them.
        if (!MayStore(proven))
        {
            return;
        }

        var wasThere = _table.Find(contact.Node) is not null;
        _table.HandleAlive(contact, _realm.Scheduler.Now);
        if (!wasThere && _table.Find(contact.Node) is not null)
        {
            Entered?.Invoke(contact.Node);
        }
    }

    private void HandleTimeout()
    {
        _table.HandleTimeout(_realm.Scheduler.Now, _realm.Random);
        Pump();
    }

    private void Pump()
    {
        if (_isStopped)
        {
            return;
        }

        while (_table.TryPoll(out var output))
        {
            switch (output)
            {
                case RoutingOutput.Ping ping:
                    _realm.Tasks.Run(() => PingAsync(ping.Contact));
                    break;
                case RoutingOutput.Refresh refresh:
                    _refreshes.Enqueue(refresh.Target);
                    break;
            }
        }

        if (_refreshes.Count > 0 && !_isRefreshing)
        {
            _isRefreshing = true;
            _realm.Tasks.Run(RefreshAsync);
        }

        _timer.Set(_table.PollTimeout());
        if (_hasPopulation != Count > 0)
        {
            _hasPopulation = !_hasPopulation;
            PopulationChanged?.Invoke();
        }
    }

    private async Task PingAsync(Contact contact)
    {
        try
        {
            var connection = await _connector.ConnectProvenAsync(contact, CancellationToken.None);
            await Client.PingAsync(connection);
            HandleAlive(connection, contact);
            Pump();
        }
        catch (MaculaException exception)
        {
            HandleFailed(contact, exception);
        }
    }

    // [KAD-8]: one after the other, since each learns of nodes for the buckets of the next, and a realm that starts has many nodes that do so at once.
    private async Task RefreshAsync()
    {
        while (_refreshes.TryDequeue(out var target) && !_isStopped)
        {
            if (!_table.HasRoomNear(target))
            {
                continue;
            }

            try
            {
                await LookUpAsync(LookupGoal.Nodes, target);
            }
            catch (MaculaException)
            {
                // The node stops, or is busy with other lookups, which fill the table as well.
            }
        }

        _isRefreshing = false;
    }

    private async ValueTask EnterAsync()
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        if (_placesTaken < MaxLookups)
        {
            _placesTaken++;
            return;
        }

        if (_waiting.Count >= MaxWaitingLookups)
        {
            throw new MaculaException(ErrorCode.LimitExceeded, $"{MaxWaitingLookups} lookups wait already, which is the most.");
        }

        var place = new Completion<bool>(_realm.Scheduler);
        _waiting.Enqueue(place);
        await place.Task;
    }

    private void Leave()
    {
        // Whoever waits takes over the place, so that nobody who comes meanwhile can.
        if (_waiting.TryDequeue(out var next))
        {
            next.TrySetResult(true);
        }
        else
        {
            _placesTaken--;
        }
    }
}
