using System.Collections.Immutable;
using Macula.Protocols.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>The cores of many nodes on a network of one-way delays and lost requests, in virtual time, from one seed; no transport.</summary>
internal sealed class VirtualDht(ulong seed)
{
    // What a dial to a dead address or a lost request takes to fail.
    private static readonly TimeSpan FailureTime = TimeSpan.FromSeconds(2);

    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private readonly Dictionary<NodeAddress, VirtualNode> _byAddress = [];
    private long _order;

    public SplitMix Random { get; } = new(seed);

    public ulong Seed { get; } = seed;

    public Instant Now { get; private set; } = Given.Start;

    public WallTime WallNow => Given.WallStart + (Now - Given.Start);

    public List<VirtualNode> Nodes { get; } = [];

    /// <summary>Which requests get lost; none unless a test says so.</summary>
    public Func<VirtualNode, bool> IsLost { get; set; } = _ => false;

    public int Requests { get; private set; }

    public VirtualNode AddNode()
    {
        var contact = Given.Contact(Given.Node(Random), Nodes.Count + 1);
        var node = new VirtualNode(this, contact);
        Nodes.Add(node);
        _byAddress.Add(contact.Addresses[0], node);
        return node;
    }

    public void At(TimeSpan delay, Action action) => _events.Enqueue(action, (Now.SinceStart + delay, _order++));

    public void Run(TimeSpan duration)
    {
        var end = Now + duration;
        while (_events.TryPeek(out _, out var first) && first.At <= end.SinceStart)
        {
            var action = _events.Dequeue();
            Now = new Instant(first.At);
            action();
        }

        Now = end;
    }

    /// <summary>Sends a request; the reaction gets the node that answered, in its state at the time of asking, or null.</summary>
    public void Request(VirtualNode from, Contact to, Action<VirtualNode?> reaction)
    {
        Requests++;
        var isLost = IsLost(from);
        if (isLost || !_byAddress.TryGetValue(to.Addresses[0], out var target) || !target.IsUp || target.Contact.Node != to.Node)
        {
            At(FailureTime, () => reaction(null));
            return;
        }

        At(TimeSpan.FromMilliseconds(10 + Random.Next(120)), () => reaction(target.IsUp ? target : null));
    }
}

/// <summary>One node: its table, its store, its lookups.</summary>
internal sealed class VirtualNode(VirtualDht network, Contact contact)
{
    private readonly QueryTimeouts _timeouts = new();
    private Join? _join;
    private Contact? _bootstrap;

    public Contact Contact { get; } = contact;

    public bool IsUp { get; set; } = true;

    /// <summary>In client mode nobody is told where this node is.</summary>
    public bool IsServer { get; set; } = true;

    public RoutingTable Table { get; } = new(contact.Node, new RoutingTableOptions());

    public RecordStore Store { get; } = new(contact.Node, new RecordStoreOptions());

    public bool IsJoined => _join?.IsJoined ?? false;

    public void BeginJoin(Contact bootstrap)
    {
        _bootstrap = bootstrap;
        _join = new Join(new JoinOptions(), network.Now);
        Pump();
    }

    public void LookUp(LookupGoal goal, DhtKey target, Action<LookupResult> finished, LookupOptions? options = null)
    {
        Table.HandleLookup(target, network.Now);
        var lookup = new Lookup(goal, target, Contact.Node, Table.Closest(target, KademliaConstants.BucketSize), _timeouts, options ?? new LookupOptions(), network.Now);
        Drive(lookup, finished);
    }

    public void Publish(VerifiedRecord record, Action<int> stored) =>
        LookUp(LookupGoal.Nodes, record.Key, result =>
        {
            var count = 0;
            foreach (var holder in result.Closest)
            {
                network.Request(this, holder, node => count += node?.Store.Store(record, network.Now, network.WallNow) is RecordOutcome.Kept ? 1 : 0);
            }

            network.At(TimeSpan.FromSeconds(3), () => stored(count));
        });

    public void Pump()
    {
        while (Table.TryPoll(out var output))
        {
            if (output is RoutingOutput.Ping(var to))
            {
                Ping(to);
            }
            else if (output is RoutingOutput.Refresh(var target))
            {
                LookUp(LookupGoal.Nodes, target, _ => { });
            }
        }

        while (_join is not null && _join.TryPoll(network.Now, out var output))
        {
            React(output);
        }
    }

    private void React(JoinOutput output)
    {
        switch (output)
        {
            case JoinOutput.AskBootstraps:
                network.Request(this, _bootstrap!, answered =>
                {
                    if (answered is null)
                    {
                        _join!.HandleUnanswered(network.Now, network.Random);
                        Later();
                    }
                    else
                    {
                        Heard(answered);
                        _join!.HandleAnswered();
                    }

                    Pump();
                });
                break;
            case JoinOutput.LookUpSelf:
                LookUp(LookupGoal.Nodes, DhtKey.PlaceOf(Contact.Node), result =>
                {
                    _join!.HandleSelfLookup(result.Closest.Length, network.Now, network.Random);
                    Later();
                    Pump();
                });
                break;
            default:
                Table.RefreshAll(network.Now, network.Random);
                break;
        }
    }

    private void Later()
    {
        if (_join!.PollTimeout() is var at && at != Instant.Never)
        {
            network.At(at > network.Now ? at - network.Now : TimeSpan.Zero, Pump);
        }
    }

    private void Heard(VirtualNode answered)
    {
        if (answered.IsServer)
        {
            Table.HandleAlive(answered.Contact, network.Now);
        }
    }

    private void Ping(Contact to) => network.Request(this, to, answered =>
    {
        if (answered is null)
        {
            Table.HandleFailed(to, network.Now);
        }
        else
        {
            Heard(answered);
        }

        Pump();
    });

    private void Drive(Lookup lookup, Action<LookupResult> finished)
    {
        while (lookup.TryPoll(network.Now, out var output))
        {
            if (output is LookupOutput.Finished(var result))
            {
                finished(result);
                Pump();
                return;
            }

            if (output is LookupOutput.Query query)
            {
                network.Request(this, query.To, answered => React(lookup, query, answered, finished));
            }
        }

        if (lookup.PollTimeout() is var at && at != Instant.Never)
        {
            network.At(at > network.Now ? at - network.Now : TimeSpan.Zero, () =>
            {
                lookup.HandleTimeout(network.Now);
                if (lookup.PollTimeout() != Instant.Never && lookup.PollTimeout() >= network.Now)
                {
                    Poll(lookup, finished);
                }
            });
        }
    }

    private void Poll(Lookup lookup, Action<LookupResult> finished)
    {
        if (lookup.PollTimeout() != Instant.Never)
        {
            Drive(lookup, finished);
        }
    }

    private void React(Lookup lookup, LookupOutput.Query query, VirtualNode? answered, Action<LookupResult> finished)
    {
        if (answered is null)
        {
            Table.HandleFailed(query.To, network.Now);
            lookup.HandleFailed(query.To.Node);
        }
        else
        {
            Heard(answered);
            if (IsServer)
            {
                answered.Table.HandleHeard(Contact, network.Now);
                answered.Pump();
            }

            var contacts = answered.Table.Closest(query.Target, KademliaConstants.BucketSize).Where(known => known.Node != Contact.Node).ToImmutableArray();
            if (query.Goal == LookupGoal.Nodes)
            {
                lookup.HandleNodes(answered.Contact.Node, contacts, network.Now);
            }
            else
            {
                var page = answered.Store.Page(query.Target, query.After, network.Now);
                lookup.HandleRecords(answered.Contact.Node, page.Records, page.Next, contacts, network.Now, network.WallNow);
            }
        }

        Poll(lookup, finished);
        Pump();
    }
}
