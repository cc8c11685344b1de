using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Rpc;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Realms;

/// <summary>Everything that one node holds of one realm. Another realm on the same node has another context, and neither refers to the other.</summary>
internal sealed class RealmContext
{
    // Far above what an application names by hand; a program that reaches it has a loop.
    private const int MaxAdvertisedProcedures = 10_000;

    private readonly SerialQueue _queue;
    private readonly IdleReaper _idle;
    private readonly ConnectionTable _connections;
    private readonly Dialer _dialer;
    private readonly CallServer _calls;
    private readonly CallClient _client;
    private int _unestablished;

    public RealmContext(RealmServices services, TransportEndpoint endpoint)
    {
        Services = services;
        _queue = services.Scheduler.CreateQueue();
        _idle = new IdleReaper(services);
        _idle.Start(_queue);
        _connections = new ConnectionTable(services, _idle);
        _calls = new CallServer(services, new ProcedureTable(MaxAdvertisedProcedures));
        _dialer = new Dialer(services, endpoint, _connections, _calls);
        _client = new CallClient(services, ConnectAsync);
    }

    /// <summary>What the parts of this realm share.</summary>
    public RealmServices Services { get; }

    /// <summary>Takes a connection that another node dialled.</summary>
    public void Accept(TransportConnection connection) => _queue.Post(
        static state =>
        {
            var (realm, connection) = ((RealmContext, TransportConnection))state!;
            realm.Services.Tasks.Run(() => realm.EstablishAsync(connection));
        },
        (this, connection));

    /// <summary>Provides a procedure until the advertisement is disposed.</summary>
    /// <exception cref="MaculaException">The policy does not allow it.</exception>
    /// <exception cref="InvalidOperationException">It is provided already.</exception>
    public Advertisement Advertise(ProcedureName procedure, CallHandler handler)
    {
        Services.DemandOwn(MeshAction.Advertise, procedure.Value);
        _calls.Procedures.Add(procedure, handler);
        Services.Logger.ProcedureAdvertised(procedure);
        return new Advertisement(procedure, () =>
        {
            if (_calls.Procedures.Remove(procedure, handler))
            {
                Services.Logger.ProcedureWithdrawn(procedure);
            }
        });
    }

    /// <summary>Makes a call: see <see cref="CallClient"/>.</summary>
    public ValueTask<CallReply> CallAsync(ProcedureName procedure, Payload argument, CallOptions options, CancellationToken cancellationToken) =>
        _client.CallAsync(procedure, argument, options, cancellationToken);

    /// <summary>Takes no new calls, lets those that run finish for a while, then closes every connection: [RPC-11].</summary>
    public ValueTask StopAsync() => _queue.RunAsync(async () =>
    {
        _calls.Stop();
        _idle.Stop();
        var drains = _connections.All
            .Select(connection => connection.DrainAsync(ErrorCode.ShuttingDown, Services.Limits.ShutdownTimeout))
            .ToArray();
        await Task.WhenAll(drains);
    });

    private ValueTask<MeshConnection> ConnectAsync(CallOptions options, MeshConnection? dead, CancellationToken cancellationToken)
    {
        var address = options.At ?? throw new CallException(ErrorCode.NoProvider, CallExecution.NotStarted, "The call names no address, and this version finds none.");
        return _queue.RunAsync(() =>
        {
            if (_calls.IsStopping)
            {
                throw new MaculaException(ErrorCode.ShuttingDown);
            }

            if (dead is not null)
            {
                _connections.LetGo(dead);
            }

            return _dialer.ConnectAsync(address, options.Node, cancellationToken);
        });
    }

    private async Task EstablishAsync(TransportConnection transport)
    {
        // [CON-14]
        if (_unestablished >= Services.Limits.MaxUnestablished)
        {
            Services.Metrics.ConnectionRefused(ErrorCode.LimitExceeded);
            transport.Close((ulong)ErrorCode.LimitExceeded, ErrorCodes.Describe(ErrorCode.LimitExceeded).Meaning);
            return;
        }

        _unestablished++;
        try
        {
            var connection = await ConnectionAttempt.EstablishAsync(Services, _calls, transport, wanted: null);
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
