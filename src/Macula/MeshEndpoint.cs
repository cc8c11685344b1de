using System.Net;
using Macula.Nodes;
using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Microsoft.Extensions.Logging;

namespace Macula;

/// <summary>One bound address that nodes of several realms share: each incoming connection goes to the node of the realm that it names, and to no other.</summary>
/// <remarks>
/// Nodes are started on it with <see cref="MaculaPeerOptions.SharedEndpoint"/>, at most one of each realm. Each has its own certificate, connections and
/// tasks; a node that stops, or that a bug ends, leaves the endpoint and the other nodes as they were. They share the address, the scheduler and the limits
/// of <see cref="EndpointOptions"/>. Members may be called from any thread.
/// </remarks>
public sealed class MeshEndpoint : IAsyncDisposable
{
    private readonly TransportEndpoint _transport;
    private readonly NodeEndpoint _node;
    private readonly TaskRoot _tasks;
    private readonly Completion<bool> _stopped;
    private readonly Task<bool> _stoppedTask;
    private int _stopping;

    private MeshEndpoint(TransportEndpoint transport, MeshScheduler scheduler, ILogger logger)
    {
        _transport = transport;
        Scheduler = scheduler;
        _node = new NodeEndpoint(transport, logger);
        _tasks = new TaskRoot(scheduler, logger);
        _stopped = new Completion<bool>(scheduler);
        _stoppedTask = _stopped.Task.AsTask();
        _tasks.HandleFaultWith(StopAtFault);
        _tasks.Run(_node.AcceptAsync);
    }

    /// <summary>The address that is bound, with the port that the system chose.</summary>
    public IPEndPoint LocalEndPoint => _transport.LocalEndPoint;

    /// <summary>What happened at the transport since the address was bound, over all realms.</summary>
    public EndpointCounters Counters => _transport.Counters;

    /// <summary>Where the code of the endpoint and of every node on it runs.</summary>
    public MeshScheduler Scheduler { get; }

    /// <summary>Binds an address. Until a node is started on it, nothing that arrives there is answered.</summary>
    /// <param name="options">Transport, address and limits.</param>
    /// <param name="cancellationToken">Gives up; nothing stays bound.</param>
    /// <exception cref="BindException">The address cannot be bound.</exception>
    /// <exception cref="TransportUnavailableException">The machine lacks what the transport needs.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static async Task<MeshEndpoint> BindAsync(MeshEndpointOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var scheduler = SchedulerOr(options.Scheduler);
        return await scheduler.CreateQueue().RunAsync(async () =>
        {
            var transport = await options.Transport.BindAsync(options.Endpoint, scheduler, cancellationToken);
            return new MeshEndpoint(transport, scheduler, options.LoggerFactory.CreateLogger("Macula"));
        });
    }

    /// <summary>Completes when the address is closed: after <see cref="DisposeAsync"/>, or since a bug of ours ended the endpoint and with it every node on it.</summary>
    /// <exception cref="MaculaException">A bug of ours ended the endpoint; the inner exception shows it.</exception>
    public Task WaitForStopAsync(CancellationToken cancellationToken = default) => _stoppedTask.WaitAsync(cancellationToken);

    /// <summary>Stops every node that is still on the endpoint, all at once and each as <see cref="MaculaPeer.DisposeAsync"/> does; then closes the address.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0)
        {
            try
            {
                await Scheduler.CreateQueue().RunAsync(StopAsync);
            }
            finally
            {
                _stopped.TrySetResult(true);
            }
        }

        // An endpoint that a bug of ours ended has said so in WaitForStopAsync; disposal only waits until nothing runs.
        await _stoppedTask.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>The scheduler that was given, or one on the thread pool and the system's clock.</summary>
    internal static MeshScheduler SchedulerOr(MeshScheduler? given) => given ?? new ThreadPoolScheduler(SystemClock);

    /// <inheritdoc cref="TransportEndpoint.FindCandidates"/>
    internal IReadOnlyList<IPEndPoint> FindCandidates() => _transport.FindCandidates();

    /// <summary>What one realm may do with the endpoint beside being served.</summary>
    internal RealmEndpoint ShareWith(RealmServices realm) => new(_transport, realm);

    /// <inheritdoc cref="NodeEndpoint.Serve"/>
    internal void Serve(RealmContext realm, Func<ValueTask> stop) => _node.Serve(realm, stop);

    /// <inheritdoc cref="NodeEndpoint.Withdraw"/>
    internal void Withdraw(RealmContext realm) => _node.Withdraw(realm);

#pragma warning disable RS0030 // The one place where a node takes the system's clock when it is given no other.
    private static TimeProvider SystemClock => TimeProvider.System;
#pragma warning restore RS0030

    private void StopAtFault(Exception fault)
    {
        _stopped.TrySetException(new MaculaException(ErrorCode.InternalError, "A bug in Macula ended this endpoint and the nodes on it; please report it.", fault));
        foreach (var served in _node.Close())
        {
            // A node without its endpoint is deaf: it ends as by a bug of its own, and its owner learns of it.
            served.Realm.Services.Tasks.Run(() => Task.FromException(fault));
        }

        _tasks.Run(() => _transport.DisposeAsync().AsTask());
    }

    private async ValueTask StopAsync()
    {
        try
        {
            await Task.WhenAll(_node.Close().Select(served => served.StopAsync().AsTask()));
        }
        finally
        {
            await _transport.DisposeAsync();
        }

        await _tasks.WhenEmptyAsync();
    }
}
