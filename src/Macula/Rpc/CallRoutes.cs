using System.Net;
using Macula.Connections;
using Macula.Dht;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>Where a call may go: an address, a node, or both, in which case that node must answer there.</summary>
internal readonly record struct CallTarget(IPEndPoint? At, NodeId? Node);

/// <summary>Finds the nodes that may answer a call, and connects to them. Its work runs on the realm's queue; it may be asked from any.</summary>
internal sealed class CallRoutes(RealmServices realm, SerialQueue queue, ConnectionTable connections, Dialer dialer, DhtNode dht)
{
    // A dial to a node that is there takes a few round trips; while one takes longer, the next provider is dialled beside it.
    private static readonly TimeSpan HeadStart = TimeSpan.FromSeconds(1);

    private readonly ProviderDirectory _providers = new(realm, dht);
    private readonly StaggeredAttempts _attempts = new(realm, HeadStart);

    // Connections whose node is being probed, so that calls which fail together ask once. Bounded by the open connections, but for the few that end meanwhile.
    private readonly HashSet<MeshConnection> _probed = [];

    /// <summary>The targets of a call in the order in which to try them; at least one.</summary>
    /// <exception cref="MaculaException">Nobody provides the procedure, or nobody could be asked.</exception>
    public ValueTask<IReadOnlyList<CallTarget>> FindAsync(ProcedureName procedure, CallOptions options, CancellationToken cancellationToken)
    {
        if (options.At is not null || options.Node is not null)
        {
            return ValueTask.FromResult<IReadOnlyList<CallTarget>>([new CallTarget(options.At, options.Node)]);
        }

        return queue.RunAsync<IReadOnlyList<CallTarget>>(
            async () => [.. (await _providers.FindAsync(procedure, cancellationToken)).Select(static node => new CallTarget(null, node))]);
    }

    /// <summary>A connection to one of the targets, dialled if there is none: the first unless another can be had sooner.</summary>
    /// <param name="targets">Where the call may go, the preferred one first.</param>
    /// <param name="dead">A connection that was found dead, which is not used again; null when there is none.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The connection, and the index of its target.</returns>
    /// <exception cref="MaculaException">None can be reached.</exception>
    public ValueTask<(MeshConnection Connection, int Index)> ConnectAsync(
        IReadOnlyList<CallTarget> targets, MeshConnection? dead, CancellationToken cancellationToken) => queue.RunAsync(() =>
    {
        if (dead is not null)
        {
            connections.LetGo(dead);
        }

        return _attempts.RunAsync([.. targets.Select<CallTarget, Func<ValueTask<MeshConnection>>>(target => () => ConnectAsync(target, cancellationToken))], cancellationToken);
    });

    /// <summary>A node took a call and gave no answer in time: others are tried before it, until it shows that it is there.</summary>
    public void HandleUnanswered(INodeLink silent)
    {
        // This node itself is there, whatever its handler does.
        if (silent is MeshConnection connection)
        {
            queue.Post(
                static state =>
                {
                    var (routes, silent) = ((CallRoutes, MeshConnection))state!;
                    routes.Doubt(silent);
                },
                (this, connection));
        }
    }

    private async ValueTask<MeshConnection> ConnectAsync(CallTarget target, CancellationToken cancellationToken)
    {
        if (target.At is { } address)
        {
            return await dialer.ConnectAsync(address, target.Node, cancellationToken);
        }

        Wire.Invariant.Hold(target.Node is not null, "A call goes to an address or to a node.");
        await dht.DemandNetworkAsync(cancellationToken);
        return await dht.Finder.ConnectAsync(target.Node.Value, cancellationToken);
    }

    private void Doubt(MeshConnection silent)
    {
        _providers.HandleUnanswered(silent.Peer.NodeId);
        if (_probed.Add(silent))
        {
            realm.Tasks.Run(() => ProbeAsync(silent));
        }
    }

    // [RPC-16]
    private async Task ProbeAsync(MeshConnection silent)
    {
        try
        {
            if (await dht.Client.ProbeAsync(silent) || await ProbeAnewAsync(silent))
            {
                _providers.HandleAlive(silent.Peer.NodeId);
            }
        }
        finally
        {
            _probed.Remove(silent);
        }
    }

    // What is at its end may be the connection alone: one that drains takes no PING, and one to a node's former life gets no answer.
    private async ValueTask<bool> ProbeAnewAsync(MeshConnection silent)
    {
        // Calls that run on it may still end well; new ones dial anew.
        connections.LetGo(silent);
        try
        {
            var another = await dht.Finder.ConnectAsync(silent.Peer.NodeId, CancellationToken.None);
            var isAlive = await dht.Client.ProbeAsync(another);
            if (isAlive && another != silent)
            {
                // [CON-7]: nobody else ends the older one, which the other side keeps as long as this one does.
                realm.Tasks.Run(() => silent.DrainAsync(ErrorCode.DuplicateConnection, realm.Limits.DrainTimeout));
            }

            return isAlive;
        }
        catch (MaculaException)
        {
            // Nobody is there, or nobody says where.
            return false;
        }
    }
}
