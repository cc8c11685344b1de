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
using Macula.Wire.Time;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>A member of one realm that asks nodes for what they hold, and tries to get at what belongs to other realms.</summary>
internal sealed class RealmProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly VirtualWorld _world;
    private readonly SimulatedHost _host;
    private readonly SimulatedRealm _realm;
    private readonly IReadOnlyList<SimulatedRealm> _others;
    private readonly SimulatedNode _gateway;
    private readonly SimulationHistory _history;
    private readonly NodeCredentials _credentials;
    private readonly RecordVerifier _verifier;
    private readonly SeededRandomSource _random;

    public RealmProbe(VirtualWorld world, SimulatedHost host, SimulatedRealm realm, IReadOnlyList<SimulatedRealm> others, SimulatedNode gateway, SimulationHistory history)
    {
        (_world, _host, _realm, _others, _gateway, _history) = (world, host, realm, others, gateway, history);
        _credentials = realm.Issue("probe", NodeRoles.Peer);
        _verifier = new RecordVerifier(new CertificateJudge(realm.Trust));
        _random = world.Random.Fork($"probe {realm.Tag}");
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

        await AskForRecordsAsync(connection, node, _realm, cancellationToken);
        await AskForNodesAsync(connection, DhtKey.PlaceOf(_credentials.Identity.NodeId), cancellationToken);
        foreach (var other in _others)
        {
            await AskForRecordsAsync(connection, node, other, cancellationToken);
            await AskForNodesAsync(connection, DhtKey.PlaceOf(other.Ids.First()), cancellationToken);
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

    private async Task AskForRecordsAsync(RawConnection connection, SimulatedNode holder, SimulatedRealm realm, CancellationToken cancellationToken)
    {
        var procedure = realm.ProcedureNames[_random.Next(realm.ProcedureNames.Length)];
        var life = holder.Life;
        var answer = await connection.AskAsync(new FindValueFrame(DhtKey.OfProviders(realm.File.Id, procedure), null).Write, cancellationToken);

        // What a node said in its last life must not count against the present one.
        if (holder.Life == life && answer is { Type: FrameType.Records } frame && RecordsFrame.TryRead(frame.Body, out var records, out _))
        {
            foreach (var bytes in records.Records)
            {
                HandleServed(holder, bytes);
            }
        }
    }

    private void HandleServed(SimulatedNode holder, ReadOnlyMemory<byte> bytes)
    {
        if (!SignedRecord.TryRead(bytes, out var record, out var malformed))
        {
            _history.Add(new Observation.Broke(_history.Now, holder.Name, $"It served a record that cannot be read: {malformed.Detail}"));
            return;
        }

        var now = WallTime.From(_world.Time.GetUtcNow());
        var fault = _verifier.Verify(record, _realm.CertificateOf(record.Body.Certificate), now) is RecordVerdict.Refused refused ? refused.Detail : null;
        var isProvider = record.Body is { State: RecordState.Live, Content: RecordContent.Provider };
        var served = new ServedRecord(record.Body.Key, record.Body.Publisher, record.Body.Sequence, record.Body.Expires, isProvider, fault);
        _history.Add(new Observation.RecordServed(_history.Now, holder.Name, served, now, FaultInjector.ClockTolerance));
        Sight(TagOf(record.Body.Publisher), $"a record of {record.Body.Publisher.ToShortString()}");
    }

    // The gateway has an id of its own in each realm, so an id tells the realm.
    private string TagOf(NodeId node) => _realm.Ids.Contains(node) ? _realm.Tag : _others.FirstOrDefault(other => other.Ids.Contains(node))?.Tag ?? "nobody";

    private void Sight(string origin, string what) => _history.Add(new Observation.Sighted(_history.Now, Name, _realm.Tag, origin, what));
}
