using System.Collections.Immutable;
using Macula.Connections;
using Macula.Dht;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Nodes;
using Macula.PubSub;
using Macula.Requests;
using Macula.Rpc;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Realms;

/// <summary>Everything that one node holds of one realm. Another realm on the same node has another context, and neither refers to the other.</summary>
internal sealed class RealmContext
{
    // Far above what an application names by hand; a program that reaches it has a loop.
    private const int MaxAdvertisedProcedures = 10_000;

    private readonly SerialQueue _queue;
    private readonly RealmEndpoint _endpoint;
    private readonly IdleReaper _idle;
    private readonly ConnectionTable _connections;
    private readonly Dialer _dialer;
    private readonly DhtNode _dht;
    private readonly CallServer _calls;
    private readonly LocalLink _local;
    private readonly CallClient _client;
    private readonly LocalSubscriptions _subscriptions;
    private readonly SubscriptionRecords _subscriber;
    private readonly EventPublisher _publisher;
    private readonly RequestServer _requests;
    private int _unestablished;

    public RealmContext(RealmServices services, DhtSettings settings, RealmEndpoint endpoint)
    {
        Services = services;
        Addresses = settings.Addresses;
        _queue = services.Scheduler.CreateQueue();
        _endpoint = endpoint;
        _idle = new IdleReaper(services, _queue);
        _connections = new ConnectionTable(services, _idle);
        _calls = new CallServer(new ProcedureTable(MaxAdvertisedProcedures));
        _dialer = new Dialer(services, endpoint, _connections);
        _dht = new DhtNode(services, _queue, settings, endpoint, _connections, _dialer);
        _subscriptions = new LocalSubscriptions(services);
        _subscriber = new SubscriptionRecords(services, _queue, _dht, _subscriptions);
        _publisher = new EventPublisher(services, _queue, _dht, _connections, _subscriptions);
        _requests = new RequestServer(services, _queue, _calls, new EventServer(services, _subscriptions), _dht);
        _dialer.ServeWith(_requests);
        _local = new LocalLink(services, _calls);
        _client = new CallClient(services, new CallRoutes(services, _queue, _connections, _dialer, _dht), _local);
    }

    /// <summary>Where others can dial this node.</summary>
    public ImmutableArray<NodeAddress> Addresses { get; }

    /// <summary>What the parts of this realm share.</summary>
    public RealmServices Services { get; }

    /// <summary>Begins to join the realm's DHT.</summary>
    public ValueTask StartAsync() => _queue.RunAsync(() =>
    {
        _dht.Start();
        return ValueTask.CompletedTask;
    });

    /// <summary>Completes when the node has joined: see <see cref="DhtNode.WhenJoinedAsync"/>.</summary>
    public ValueTask WhenJoinedAsync(CancellationToken cancellationToken) => _queue.RunAsync(() => _dht.WhenJoinedAsync(cancellationToken));

    /// <summary>Takes a connection that another node dialled.</summary>
    public void Accept(TransportConnection connection) => _queue.Post(
        static state =>
        {
            var (realm, connection) = ((RealmContext, TransportConnection))state!;
            realm.Services.Tasks.Run(() => realm.EstablishAsync(connection));
        },
        (this, connection));

    /// <summary>Provides a procedure until the advertisement is disposed.</summary>
    /// <exception cref="MaculaException">The policy does not allow it, the node publishes as many records as it may, or it stops; the procedure is not provided.</exception>
    /// <exception cref="InvalidOperationException">It is provided already.</exception>
    public ValueTask<Advertisement> AdvertiseAsync(ProcedureName procedure, CallHandler handler) => _queue.RunAsync(() =>
    {
        Services.DemandOwn(MeshAction.Advertise, procedure.Value);
        _calls.Procedures.Add(procedure, handler);
        PublishedRecord record;
        try
        {
            record = _dht.Publisher.Publish(new RecordContent.Provider(procedure, Version: 0, Load: 0));
        }
        catch (MaculaException)
        {
            // Nobody would have an advertisement by which to end it.
            _calls.Procedures.Remove(procedure, handler);
            throw;
        }

        Services.Logger.ProcedureAdvertised(procedure);
        return ValueTask.FromResult(new Advertisement(
            procedure,
            withdraw: () => Withdraw(procedure, handler, record),
            whenPublished: cancellationToken => _queue.RunAsync(() => record.WhenInForceAsync(cancellationToken))));
    });

    /// <summary>Makes a call: see <see cref="CallClient"/>.</summary>
    public ValueTask<CallReply> CallAsync(ProcedureName procedure, Payload argument, CallOptions options, CancellationToken cancellationToken) =>
        _client.CallAsync(procedure, argument, options, cancellationToken);

    /// <summary>Publishes an event: see <see cref="EventPublisher"/>.</summary>
    public ValueTask<PublishReceipt> PublishAsync(TopicName topic, Payload payload, PublishOptions options, CancellationToken cancellationToken) =>
        _publisher.PublishAsync(topic, payload, options, cancellationToken);

    /// <summary>Subscribes: see <see cref="SubscriptionRecords"/>.</summary>
    public ValueTask<Subscription> SubscribeAsync(TopicPattern pattern, SubscribeOptions options, CancellationToken cancellationToken) =>
        _subscriber.SubscribeAsync(pattern, options, cancellationToken);

    /// <summary>Takes no new calls and events, lets those that run or wait to be sent finish for a while, then closes every connection: [RPC-11].</summary>
    public ValueTask StopAsync() => _queue.RunAsync(async () =>
    {
        _calls.Stop();
        _idle.Stop();
        _subscriber.Stop();

        // What was published goes out while others are told that this node leaves.
        await Task.WhenAll(_dht.LeaveAsync().AsTask(), _publisher.FinishAsync().AsTask());
        _subscriptions.Stop();
        _dialer.IsStopping = true;
        _dht.Stop();
        var drains = _connections.All
            .Select(connection => connection.DrainAsync(ErrorCode.ShuttingDown, Services.Limits.ShutdownTimeout))
            .Append(_local.DrainAsync(Services.Limits.ShutdownTimeout))
            .ToArray();
        await Task.WhenAll(drains);
    });

    /// <summary>Closes what is left at once: every connection, those that are not up yet among them, and any that comes later.</summary>
    public void CloseConnections()
    {
        _local.Close();
        _endpoint.Close();
    }

    // Calls are refused from now on; the DHT learns of it by and by.
    private void Withdraw(ProcedureName procedure, CallHandler handler, PublishedRecord record)
    {
        if (_calls.Procedures.Remove(procedure, handler))
        {
            Services.Logger.ProcedureWithdrawn(procedure);
            _queue.Post(
                static state =>
                {
                    var (realm, procedure, record) = ((RealmContext, ProcedureName, PublishedRecord))state!;
                    realm.WithdrawUnlessProvided(procedure, record);
                },
                (this, procedure, record));
        }
    }

    // Whoever has advertised the name in between has taken over the record, which stands for both.
    private void WithdrawUnlessProvided(ProcedureName procedure, PublishedRecord record)
    {
        if (_calls.Procedures.Find(procedure) is null)
        {
            record.Withdraw();
        }
    }

    private async Task EstablishAsync(TransportConnection transport)
    {
        // [CON-14]
        if (_unestablished >= Services.Limits.MaxUnestablished)
        {
            Services.RefusedConnection(transport.BirthRemoteEndPoint, ErrorCode.LimitExceeded, $"{_unestablished} connections are not up yet, which is the most");
            transport.Close((ulong)ErrorCode.LimitExceeded, ErrorCodes.Describe(ErrorCode.LimitExceeded).Meaning);
            return;
        }

        if (!_endpoint.TryHold(transport))
        {
            return;
        }

        _unestablished++;
        try
        {
            var connection = await ConnectionAttempt.EstablishAsync(Services, _requests, transport, wanted: null);
            Services.Logger.ConnectionUp(connection.Peer.NodeId, connection.Peer.Name.Value, transport.BirthRemoteEndPoint);
            _connections.Add(connection, dialledAddress: null);
        }
        catch (DialException exception)
        {
            Services.Logger.AcceptedConnectionLost(exception.Message);
        }
        finally
        {
            _unestablished--;
        }
    }
}
