using System.Net;
using Macula.Identity.Credentials;
using Macula.Identity.Names;
using Macula.Identity.Records;
using Macula.Identity.Trust;
using Macula.Testing.Network;
using Macula.Testing.Simulation.Faults;
using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>A member of one realm that asks nodes for what they hold, gives them records that they may not keep, and tries to get at what belongs to other realms.</summary>
internal sealed class RealmProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly VirtualWorld _world;
    private readonly SimulatedHost _host;
    private readonly SimulatedRealm _realm;
    private readonly IReadOnlyList<SimulatedRealm> _others;
    private readonly SimulatedNode _gateway;
    private readonly SimulationPlan _plan;
    private readonly SimulationHistory _history;
    private readonly NodeCredentials _credentials;
    private readonly RecordVerifier _verifier;
    private readonly SeededRandomSource _random;
    private readonly RecordForger _forger;

    public RealmProbe(VirtualWorld world, SimulatedHost host, SimulatedRealm realm, IReadOnlyList<SimulatedRealm> others, SimulatedNode gateway, SimulationPlan plan, SimulationHistory history)
    {
        (_world, _host, _realm, _others, _gateway, _plan, _history) = (world, host, realm, others, gateway, plan, history);
        _credentials = realm.Issue("probe", NodeRoles.Peer);
        _verifier = new RecordVerifier(new CertificateJudge(realm.Trust));
        _random = world.Random.Fork($"probe {realm.Tag}");
        _forger = new RecordForger(realm, others, _credentials, world.Random.Fork($"forger {realm.Tag}"));
    }

    private string Name => $"probe {_realm.Tag}";

    public async Task RunAsync(CancellationToken end)
    {
        await using var endpoint = await _host.Transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(_host.Address, SimulatedNode.Port) }, _world.Scheduler, CancellationToken.None);
        using var timer = new PeriodicTimer(Interval, _world.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(end))
            {
                await ProbeAsync(endpoint);
            }
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }

    private async Task ProbeAsync(TransportEndpoint endpoint)
    {
        using var patience = new CancellationTokenSource(Patience, _world.Time);
        try
        {
            await AskAsync(endpoint, AnyNodeOf(_realm), patience.Token);
            if (_others.Count > 0)
            {
                var other = _others[_random.Next(_others.Count)];
                await IntrudeAsync(endpoint, AnyNodeOf(other), other, patience.Token);
            }
        }
        catch (MaculaException)
        {
            // Whoever was asked is not there, or ended the connection: it shows nothing, which is never wrong.
        }
        catch (OperationCanceledException)
        {
            // The same, without a word.
        }
    }

    private SimulatedNode AnyNodeOf(SimulatedRealm realm) =>
        _random.Next(realm.Members.Count + 1) is var number && number == realm.Members.Count ? _gateway : realm.Members[number];

    private TlsIdentity IdentityFor(SimulatedRealm realm) => new(realm.File.Id.ToServerName(), [_credentials.Certificate.Der], _credentials.Key.ExportPkcs8());

    // With the certificate of the own realm: the handshake succeeds, the verdict must not, and until then nothing is said.
    private async Task IntrudeAsync(TransportEndpoint endpoint, SimulatedNode node, SimulatedRealm realm, CancellationToken cancellationToken)
    {
        await using var connection = await RawConnection.EstablishAsync(endpoint, node.Address, IdentityFor(realm), Name, cancellationToken);
        if (connection is not null)
        {
            Sight(realm.Tag, $"the hello of {node.Name}");
        }
    }

    private async Task AskAsync(TransportEndpoint endpoint, SimulatedNode node, CancellationToken cancellationToken)
    {
        await using var connection = await RawConnection.EstablishAsync(endpoint, node.Address, IdentityFor(_realm), Name, cancellationToken);
        if (connection is null)
        {
            return;
        }

        var procedure = _realm.ProcedureNames[_random.Next(_realm.ProcedureNames.Length)];
        var pattern = _realm.TopicPatterns[_random.Next(_realm.TopicPatterns.Length)];
        await OfferForgeryAsync(connection, procedure, cancellationToken);
        await AskForNodesAsync(connection, DhtKey.PlaceOf(_credentials.Identity.NodeId), cancellationToken);
        await AskForRecordsAsync(connection, node, DhtKey.OfProviders(_realm.File.Id, procedure), cancellationToken);
        await OfferOldAsync(connection, node, DhtKey.OfSubscribers(_realm.File.Id, pattern.LiteralPrefix), cancellationToken);
        await OfferOldAsync(connection, node, DhtKey.OfProviders(_realm.File.Id, procedure), cancellationToken);
        foreach (var other in _others)
        {
            await AskForNodesAsync(connection, DhtKey.PlaceOf(other.Ids.First()), cancellationToken);
            await AskForRecordsAsync(connection, node, DhtKey.OfProviders(other.File.Id, procedure), cancellationToken);
            await AskForRecordsAsync(connection, node, DhtKey.OfSubscribers(other.File.Id, pattern.LiteralPrefix), cancellationToken);
        }
    }

    // Asked for under its key right afterwards: whoever keeps it serves it.
    private async Task OfferForgeryAsync(RawConnection connection, ProcedureName procedure, CancellationToken cancellationToken)
    {
        var (record, flaw) = _forger.Forge(procedure, _history.WallNow);
        if (await connection.AskAsync(new StoreFrame(record).Write, cancellationToken) is not null)
        {
            _history.Count($"forged {flaw}");
        }
    }

    // A holder must not go back to what a later record has replaced, or taken back. After the faults, old records would keep the dead alive.
    private async Task OfferOldAsync(RawConnection connection, SimulatedNode holder, DhtKey key, CancellationToken cancellationToken)
    {
        var served = await AskForRecordsAsync(connection, holder, key, cancellationToken);
        if (_plan.Phase == SimulationPhase.Faults && _forger.ReplaysOf(key, served) is { Count: > 0 } replays)
        {
            await connection.AskAsync(new StoreFrame(replays[_random.Next(replays.Count)]).Write, cancellationToken);
            await AskForRecordsAsync(connection, holder, key, cancellationToken);
            _history.Count("forged replay");
        }
    }

    private async Task AskForNodesAsync(RawConnection connection, DhtKey target, CancellationToken cancellationToken)
    {
        var answer = await connection.AskAsync(new FindNodeFrame(target, []).Write, cancellationToken);
        if (answer is { Type: FrameType.Nodes } frame && NodesFrame.TryRead(frame.Body, out var nodes, out _))
        {
            foreach (var contact in nodes.Contacts)
            {
                Sight(TagOf(contact.Node), $"the address of {contact.Node.ToShortString()}");
            }
        }
    }

    private async Task<IReadOnlyList<SignedRecord>> AskForRecordsAsync(RawConnection connection, SimulatedNode holder, DhtKey key, CancellationToken cancellationToken)
    {
        var life = holder.Life;
        var answer = await connection.AskAsync(new FindValueFrame(key, null).Write, cancellationToken);
        var served = new List<SignedRecord>();

        // What a node said in its last life must not count against the present one.
        if (holder.Life == life && answer is { Type: FrameType.Records } frame && RecordsFrame.TryRead(frame.Body, out var records, out _))
        {
            foreach (var bytes in records.Records)
            {
                HandleServed(holder, bytes, served);
            }
        }

        return served;
    }

    private void HandleServed(SimulatedNode holder, ReadOnlyMemory<byte> bytes, List<SignedRecord> all)
    {
        if (!SignedRecord.TryRead(bytes, out var record, out var malformed))
        {
            _history.Add(new Observation.Broke(_history.Now, holder.Name, $"It served a record that cannot be read: {malformed.Detail}"));
            return;
        }

        var now = _history.WallNow;
        var fault = _verifier.Verify(record, _realm.CertificateOf(record.Body.Certificate), now) is RecordVerdict.Refused refused ? refused.Detail : null;
        var isProvider = record.Body is { State: RecordState.Live, Content: RecordContent.Provider };
        var served = new ServedRecord(record.Body.Key, record.Body.Publisher, record.Body.Sequence, record.Body.Expires, isProvider, fault);
        _history.Add(new Observation.RecordServed(_history.Now, holder.Name, served, now, FaultInjector.ClockTolerance));
        Sight(TagOf(record.Body.Publisher), $"a record of {record.Body.Publisher.ToShortString()}");
        _forger.Remember(record);
        all.Add(record);
    }

    // The gateway has an id of its own in each realm, so an id tells the realm.
    private string TagOf(NodeId node) => _realm.Ids.Contains(node) ? _realm.Tag : _others.FirstOrDefault(other => other.Ids.Contains(node))?.Tag ?? "nobody";

    private void Sight(string origin, string what) => _history.Add(new Observation.Sighted(_history.Now, Name, _realm.Tag, origin, what));
}
