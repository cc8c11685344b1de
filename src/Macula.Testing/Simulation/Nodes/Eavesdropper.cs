using System.Net;
using Macula.Identity.Credentials;
using Macula.Identity.Names;
using Macula.Identity.Records;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>A member that the realm's policy does not let subscribe, and that tries to get events all the same: by records of its own making, below the peer, above the transport.</summary>
internal sealed class Eavesdropper
{
    // Long enough for a publisher that believes it to send an event or two over the connection that is there.
    private static readonly TimeSpan Stay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RecordTimeToLive = TimeSpan.FromSeconds(60);

    private readonly VirtualWorld _world;
    private readonly SimulatedHost _host;
    private readonly SimulatedRealm _realm;
    private readonly SimulatedNode _gateway;
    private readonly SimulationHistory _history;
    private readonly NodeCredentials _credentials;
    private readonly RecordSigner _signer;
    private readonly SeededRandomSource _random;

    public Eavesdropper(VirtualWorld world, SimulatedHost host, SimulatedRealm realm, SimulatedNode gateway, SimulationHistory history)
    {
        (_world, _host, _realm, _gateway, _history) = (world, host, realm, gateway, history);
        _credentials = realm.Issue("spy", NodeRoles.Peer);
        _signer = new RecordSigner(_credentials);
        _random = world.Random.Fork($"spy {realm.Tag}");
    }

    private string Name => $"spy {_realm.Tag}";

    private TlsIdentity Identity => new(_realm.File.Id.ToServerName(), [_credentials.Certificate.Der], _credentials.Key.ExportPkcs8());

    private IPEndPoint Address => new(_host.Address, SimulatedNode.Port);

    public async Task RunAsync(CancellationToken end)
    {
        _history.Add(new Observation.Forbidden(_history.Now, Name, TopicPattern.Everything));
        var endpoint = await _host.Transport.BindAsync(new EndpointOptions { LocalEndPoint = Address }, _world.Scheduler, CancellationToken.None);
        endpoint.Serve(Identity);
        var accepting = AcceptAsync(endpoint);
        while (!end.IsCancellationRequested)
        {
            await VisitAsync(endpoint, AnyNode(), end);
        }

        await endpoint.DisposeAsync();
        await accepting;
    }

    private SimulatedNode AnyNode() => _random.Next(_realm.Members.Count + 1) is var number && number == _realm.Members.Count ? _gateway : _realm.Members[number];

    // Publishers that have read its records dial it.
    private async Task AcceptAsync(TransportEndpoint endpoint)
    {
        var listening = new List<Task>();
        while (await endpoint.AcceptConnectionAsync() is { } accepted)
        {
            listening.RemoveAll(static over => over.IsCompletedSuccessfully);
            listening.Add(ListenAsync(accepted));
        }

        await Task.WhenAll(listening);
    }

    private async Task ListenAsync(TransportConnection accepted)
    {
        await using var connection = await RawConnection.AcceptAsync(accepted, Name);
        await connection.ListenAsync(Hear);
    }

    private async Task VisitAsync(TransportEndpoint endpoint, SimulatedNode node, CancellationToken end)
    {
        using var patience = new CancellationTokenSource(Patience, _world.Time);
        var listening = Task.CompletedTask;
        try
        {
            await using var connection = await RawConnection.EstablishAsync(endpoint, node.Address, Identity, Name, patience.Token);
            if (connection is not null)
            {
                listening = connection.ListenAsync(Hear);
                await SubscribeAsync(connection, node, patience.Token);
            }

            await Task.Delay(Stay, _world.Time, end);
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            // Whoever was asked is not there, does not answer, or ended the connection; or the run ends.
        }

        await listening;
    }

    // At a holder, and as if a holder told a publisher: both must ask the policy.
    private async Task SubscribeAsync(RawConnection connection, SimulatedNode node, CancellationToken cancellationToken)
    {
        var pattern = _realm.TopicPatterns[_random.Next(_realm.TopicPatterns.Length)];
        if (!RecordContent.Subscriber.TryCreate([pattern], out var subscriber))
        {
            throw new InvalidOperationException($"{pattern} fits into no record.");
        }

        var subscription = Sign(subscriber);
        var answer = await connection.AskAsync(new StoreFrame(subscription.Record.Bytes).Write, cancellationToken);
        if (answer is { Type: FrameType.Stored } frame && StoredFrame.TryRead(frame.Body, out var stored, out _) && stored.HeldInstead is null)
        {
            _history.Add(new Observation.SubscriptionHeld(_history.Now, node.Name, Name, pattern));
        }

        await connection.AskAsync(new StoreFrame(Sign(new RecordContent.Node([NodeAddress.From(Address)], [])).Record.Bytes).Write, cancellationToken);
        await connection.AskAsync(new PushFrame(subscription.Key, [subscription.Record.Bytes]).Write, cancellationToken);
    }

    private VerifiedRecord Sign(RecordContent content)
    {
        var now = WallTime.From(_world.Time.GetUtcNow());
        return _signer.Sign(content, RecordState.Live, now.UnixMilliseconds, now, RecordTimeToLive);
    }

    private void Hear(Frame frame)
    {
        if (frame.Type == FrameType.Event && EventFrame.TryRead(frame.Body, out var arrived, out _))
        {
            _history.Add(new Observation.Overheard(_history.Now, Name, arrived.Topic));
        }
    }
}
