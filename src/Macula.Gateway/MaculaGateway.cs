using System.Net;
using Macula.Dht;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Microsoft.Extensions.Logging;

namespace Macula.Gateway;

/// <summary>A publicly reachable node of several realms on one address: a node of its own in each, which others find and connect to.</summary>
/// <remarks>
/// A realm whose node a bug of ours ends is logged, is served no more, and is not started again; the others go on. With the last one the gateway has ended.
/// A gateway calls nothing and provides no procedures. Members may be called from any thread.
/// </remarks>
public sealed class MaculaGateway : IAsyncDisposable
{
    /// <summary>Most realms of one gateway: each has a node with tables of its own, and stopping waits for the slowest of them.</summary>
    public const int MaxRealms = 256;

    private readonly MeshEndpoint _endpoint;
    private readonly IReadOnlyList<ServedRealm> _realms;
    private readonly ILogger _logger;
    private readonly Completion<bool> _stopped;
    private readonly Task<bool> _stoppedTask;
    private readonly Task _watches;
    private int _stopping;

    private MaculaGateway(MeshEndpoint endpoint, IReadOnlyList<ServedRealm> realms, ILogger logger)
    {
        _endpoint = endpoint;
        _realms = realms;
        _logger = logger;
        _stopped = new Completion<bool>(endpoint.Scheduler);
        _stoppedTask = _stopped.Task.AsTask();
        _watches = Task.WhenAll(realms.Select(WatchAsync));
    }

    /// <summary>The address that is bound, with the port that the system chose.</summary>
    public IPEndPoint LocalEndPoint => _endpoint.LocalEndPoint;

    /// <summary>What happened at the transport since the start, over all realms.</summary>
    public EndpointCounters TransportCounters => _endpoint.Counters;

    /// <summary>How each realm stands now, in the order of the options.</summary>
    public IReadOnlyList<GatewayRealmStatus> Realms => [.. _realms.Select(realm => realm.Status)];

    /// <summary>Starts a gateway: binds its address and a node in each realm.</summary>
    /// <param name="options">Realms, transport and limits.</param>
    /// <param name="cancellationToken">Gives up; nothing stays bound.</param>
    /// <exception cref="MaculaException">A certificate has neither the role gateway nor bootstrap, or others would refuse it; the code and message say why.</exception>
    /// <exception cref="BindException">The address cannot be bound.</exception>
    /// <exception cref="TransportUnavailableException">The machine lacks what the transport needs.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or a realm is named twice.</exception>
    public static async Task<MaculaGateway> StartAsync(GatewayOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfWrong();
        options.Connections.ThrowIfOutOfRange();
        var bind = new MeshEndpointOptions { Transport = options.Transport, Endpoint = options.Endpoint, LoggerFactory = options.LoggerFactory, Scheduler = options.Scheduler };
        var endpoint = await MeshEndpoint.BindAsync(bind, cancellationToken);
        try
        {
            return await endpoint.Scheduler.CreateQueue().RunAsync(async () =>
                new MaculaGateway(endpoint, await StartRealmsAsync(options, endpoint, cancellationToken), options.LoggerFactory.CreateLogger("Macula")));
        }
        catch (Exception)
        {
            // Whatever stopped the start goes to the caller; the address and the nodes on it must not stay behind.
            await endpoint.DisposeAsync();
            throw;
        }
    }

    /// <summary>Completes when the gateway has stopped: after <see cref="DisposeAsync"/>, or since bugs of ours ended every realm.</summary>
    /// <exception cref="MaculaException">A bug of ours ended the last realm; the inner exception shows it.</exception>
    public Task WaitForStopAsync(CancellationToken cancellationToken = default) => _stoppedTask.WaitAsync(cancellationToken);

    /// <summary>Stops the node of every realm, all at once and each as <see cref="MaculaPeer.DisposeAsync"/> does; then closes the address.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0)
        {
            try
            {
                await _endpoint.Scheduler.CreateQueue().RunAsync(StopAsync);
            }
            finally
            {
                _stopped.TrySetResult(true);
            }
        }

        // A gateway that a bug of ours ended has said so in WaitForStopAsync; disposal only waits until nothing runs.
        await _stoppedTask.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private static async Task<IReadOnlyList<ServedRealm>> StartRealmsAsync(GatewayOptions options, MeshEndpoint endpoint, CancellationToken cancellationToken)
    {
        var realms = new List<ServedRealm>(options.Realms.Count);
        foreach (var (realm, credentials) in options.Realms)
        {
            var node = await MaculaPeer.StartAsync(
                new MaculaPeerOptions
                {
                    Realm = realm,
                    Credentials = credentials,
                    SharedEndpoint = endpoint,
                    Connections = options.Connections,
                    Dht = options.Dht with { Mode = DhtMode.Server },
                    LoggerFactory = options.LoggerFactory,
                    Random = options.Random,
                },
                cancellationToken);
            realms.Add(new ServedRealm(node));
        }

        return realms;
    }

    private async Task WatchAsync(ServedRealm realm)
    {
        try
        {
            await realm.End;
        }
        catch (MaculaException fault)
        {
            var running = _realms.Count(other => !other.End.IsCompleted);
            _logger.RealmEnded(realm.Node.Self.RealmId, running, fault.Message, fault);
            if (running == 0)
            {
                _stopped.TrySetException(new MaculaException(ErrorCode.InternalError, "Bugs in Macula ended every realm of this gateway; please report them.", fault));
            }
        }
    }

    private async ValueTask StopAsync()
    {
        try
        {
            // Also the nodes that have ended: what they hold is let go of.
            await Task.WhenAll(_realms.Select(realm => realm.Node.DisposeAsync().AsTask()));
        }
        finally
        {
            await _endpoint.DisposeAsync();
        }

        await _watches;
    }

    // The node's end is its status; nothing beside it could say otherwise.
    private sealed class ServedRealm(MaculaPeer node)
    {
        public MaculaPeer Node { get; } = node;

        public Task End { get; } = node.WaitForStopAsync();

        public GatewayRealmStatus Status => End switch
        {
            { IsFaulted: true } => new GatewayRealmStatus.Ended(Node.Self, End.Exception!.InnerException!.Message, End.Exception.InnerException as MaculaException),
            { IsCompleted: true } => new GatewayRealmStatus.Ended(Node.Self, "The gateway was told to stop.", null),
            _ => new GatewayRealmStatus.Running(Node.Self),
        };
    }
}
