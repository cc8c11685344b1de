using System.Net;
using Macula.Dht;
using Macula.Diagnostics;
using Macula.Identity.Certificates;
using Macula.Identity.Credentials;
using Macula.Identity.Policy;
using Macula.Identity.Trust;
using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula;

/// <summary>An application's node in one realm of the mesh: it calls, and provides what others call.</summary>
/// <remarks>
/// Members may be called from any thread and any synchronisation context. The node's own code runs on its scheduler and never on the
/// caller's context; handlers of the application run there too, each call on a queue of its own.
/// </remarks>
public sealed partial class MaculaPeer : IAsyncDisposable
{
    // A handler that obeys its token needs moments; this is for a machine under load.
    private static readonly TimeSpan HandlersEndTimeout = TimeSpan.FromSeconds(5);

    private readonly MeshEndpoint _endpoint;
    private readonly EndpointOwnership _ownership;
    private readonly RealmContext _realm;
    private readonly Completion<bool> _stopped;
    private readonly Task<bool> _stoppedTask;
    private int _stopping;

    private MaculaPeer(MeshEndpoint endpoint, EndpointOwnership ownership, RealmContext realm)
    {
        _endpoint = endpoint;
        _ownership = ownership;
        _realm = realm;
        _stopped = new Completion<bool>(realm.Services.Scheduler);
        _stoppedTask = _stopped.Task.AsTask();
    }

    /// <summary>This node, as its certificate describes it.</summary>
    public NodeIdentity Self => _realm.Services.Self;

    /// <summary>The address that is bound, with the port that the system chose.</summary>
    public IPEndPoint LocalEndPoint => _endpoint.LocalEndPoint;

    /// <summary>Where this node tells others that it can be dialled, the preferred address first; empty when nobody can say ([KAD-1]).</summary>
    public IReadOnlyList<NodeAddress> Addresses => _realm.Addresses;

    /// <summary>What happened at the endpoint's transport since it was bound; on a shared endpoint, over all realms.</summary>
    public EndpointCounters TransportCounters => _endpoint.Counters;

    /// <summary>Starts a node: checks its certificate as others will, binds its address or joins the shared one, and accepts connections of its realm.</summary>
    /// <param name="options">Realm, credentials, transport or shared endpoint, and limits.</param>
    /// <param name="cancellationToken">Gives up; nothing stays bound or served.</param>
    /// <exception cref="MaculaException">The credentials would be refused by others; the code and message say why.</exception>
    /// <exception cref="BindException">The address cannot be bound.</exception>
    /// <exception cref="TransportUnavailableException">The machine lacks what the transport needs.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or does not go with another.</exception>
    /// <exception cref="RealmAlreadyServedException">The shared endpoint has a node of the realm already.</exception>
    /// <exception cref="ObjectDisposedException">The shared endpoint is closed.</exception>
    public static async Task<MaculaPeer> StartAsync(MaculaPeerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfWrong();
        var scheduler = options.SharedEndpoint?.Scheduler ?? MeshEndpoint.SchedulerOr(options.Scheduler);
        return await scheduler.CreateQueue().RunAsync(() => StartOnSchedulerAsync(options, scheduler, cancellationToken));
    }

    /// <summary>Completes when the node has joined its realm's DHT: it knows others, and can find and be found.</summary>
    /// <param name="cancellationToken">Stops waiting; joining goes on.</param>
    /// <exception cref="MaculaException">The node stops.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <remarks>Nothing needs to wait for it: what an application asks for before is done once the node has joined; a call by a node in client mode fails with Unreachable when an attempt has found nobody.</remarks>
    public ValueTask WaitUntilJoinedAsync(CancellationToken cancellationToken = default) => _realm.WhenJoinedAsync(cancellationToken);

    /// <summary>Completes when the node has stopped: after <see cref="DisposeAsync"/>, or since a bug of ours ended it.</summary>
    /// <exception cref="MaculaException">A bug of ours ended the node; the inner exception shows it.</exception>
    public Task WaitForStopAsync(CancellationToken cancellationToken = default) => _stoppedTask.WaitAsync(cancellationToken);

    /// <summary>Stops the node: refuses new calls, lets published events be sent and running calls finish for <see cref="Connections.ConnectionOptions.ShutdownTimeout"/>, closes its connections, and its address unless that is shared.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0)
        {
            try
            {
                await _realm.Services.Scheduler.CreateQueue().RunAsync(StopAsync);
            }
            finally
            {
                _stopped.TrySetResult(true);
            }
        }

        // A node that a bug of ours ended has said so in WaitForStopAsync; disposal only waits until nothing runs.
        await _stoppedTask.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private static async ValueTask<MaculaPeer> StartOnSchedulerAsync(MaculaPeerOptions options, MeshScheduler scheduler, CancellationToken cancellationToken)
    {
        var logger = options.LoggerFactory.CreateLogger("Macula");
        var judge = new CertificateJudge(new RealmTrust(options.Realm));
        var self = options.OwnCertificate == OwnCertificateCheck.Skipped ? options.Credentials.Identity : JudgeOwn(judge, options.Credentials, scheduler);
        cancellationToken.ThrowIfCancellationRequested();
        var ownership = options.SharedEndpoint is null ? EndpointOwnership.Own : EndpointOwnership.Shared;
        var endpoint = options.SharedEndpoint ?? await BindOwnAsync(options, scheduler, cancellationToken);
        var services = DescribeServices(options, scheduler, judge, self, logger);
        MaculaPeer? peer = null;
        try
        {
            var settings = DhtSettings.Resolve(options.Dht, options.Realm, endpoint.FindCandidates());
            peer = new MaculaPeer(endpoint, ownership, new RealmContext(services, settings, endpoint.ShareWith(services)));
            endpoint.Serve(peer._realm, peer.DisposeAsync);
            services.Tasks.HandleFaultWith(peer.StopAtFault);
            await peer._realm.StartAsync();
            logger.NodeListens(self.NodeId, self.Name.Value, services.Realm, endpoint.LocalEndPoint);
            return peer;
        }
        catch (Exception)
        {
            // Whatever stopped the start goes to the caller; nothing stays served behind it, and no address of the node's own stays bound.
            services.Metrics.Dispose();
            await (peer?.LeaveEndpointAsync() ?? (ownership == EndpointOwnership.Own ? endpoint.DisposeAsync().AsTask() : Task.CompletedTask));
            throw;
        }
    }

    private static Task<MeshEndpoint> BindOwnAsync(MaculaPeerOptions options, MeshScheduler scheduler, CancellationToken cancellationToken) =>
        MeshEndpoint.BindAsync(
            new MeshEndpointOptions { Transport = options.Transport!, Endpoint = options.Endpoint, LoggerFactory = options.LoggerFactory, Scheduler = scheduler },
            cancellationToken);

    private static RealmServices DescribeServices(
        MaculaPeerOptions options, MeshScheduler scheduler, CertificateJudge judge, NodeIdentity self, ILogger logger)
    {
        var random = options.Random ?? new SystemRandomSource();
        return new RealmServices
        {
            Scheduler = scheduler,
            Self = self,
            Realm = options.Realm.Id,
            Instance = random.NextUInt64(),

            // Kept for the node's life: every dial shows it.
            TlsIdentity = new TlsIdentity(options.Realm.Id.ToServerName(), [options.Credentials.Certificate.Der], options.Credentials.Key.ExportPkcs8()),
            Credentials = options.Credentials,
            Random = random,
            Judge = judge,
            OwnCertificate = options.OwnCertificate,
            Authorizer = new Authorizer(options.Realm.Id, options.Realm.Policy),
            Limits = options.Connections,
            Metrics = new MeshMetrics(),
            Logger = logger,
            Tasks = new TaskRoot(scheduler, logger),
        };
    }

    private static NodeIdentity JudgeOwn(CertificateJudge judge, NodeCredentials credentials, MeshScheduler scheduler) =>
        judge.Judge([credentials.Certificate.Der], scheduler.WallNow) switch
        {
            Verdict.Accepted accepted => accepted.Identity,
            Verdict.Refused refused => throw new MaculaException(refused.Code, $"Other nodes would refuse this node's certificate: {refused.Detail}"),
            _ => throw new InvalidOperationException("A verdict is accepted or refused."),
        };

    private void StopAtFault(Exception fault)
    {
        _stopped.TrySetException(new MaculaException(ErrorCode.InternalError, "A bug in Macula ended this node; please report it.", fault));
        _realm.Services.Tasks.Run(LeaveEndpointAsync);
    }

    // The other realms of a shared endpoint go on: only what is this realm's ends.
    private async Task LeaveEndpointAsync()
    {
        _endpoint.Withdraw(_realm);
        _realm.CloseConnections();
        if (_ownership == EndpointOwnership.Own)
        {
            await _endpoint.DisposeAsync();
        }
    }

    private async ValueTask StopAsync()
    {
        try
        {
            await _realm.StopAsync();
        }
        finally
        {
            await LeaveEndpointAsync();
        }

        try
        {
            // Connections are closed and handlers are told to stop; one that does not listen must not hold the application for ever.
            await _realm.Services.Tasks.WhenEmptyAsync().AsTask().WaitAsync(HandlersEndTimeout, _realm.Services.Scheduler.Time);
        }
        catch (TimeoutException)
        {
            _realm.Services.Logger.WorkLeftBehind(_realm.Services.Tasks.Running);
        }

        _realm.Services.Metrics.Dispose();
    }
}

/// <summary>Who closes a node's endpoint.</summary>
internal enum EndpointOwnership
{
    /// <summary>The node, when it stops.</summary>
    Own,

    /// <summary>Whoever bound it, for the nodes of all realms on it.</summary>
    Shared,
}
