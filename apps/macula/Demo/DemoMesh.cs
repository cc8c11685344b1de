using System.Text.Json;
using Macula.Cli.Processes;
using Macula.Identity.Names;

namespace Macula.Cli.Demo;

/// <summary>The processes of a demonstration and their files. What was started ends with this object, and with this process.</summary>
public sealed class DemoMesh : IAsyncDisposable
{
    private const string AnyLoopbackPort = "127.0.0.1:0";
    private const string GatewayName = "gateway";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly DemoPlan _plan;
    private readonly DemoFiles _files = new();
    private readonly List<ChildProcess> _processes = [];
    private readonly List<DemoProcess> _nodes = [];
    private readonly TaskCompletionSource<ChildProcess> _unexpectedEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DemoMesh(DemoPlan plan) => _plan = plan;

    /// <summary>How long to watch events.</summary>
    public TimeSpan Watching => _plan.Watching;

    /// <summary>All nodes that were started, in that order.</summary>
    public IReadOnlyList<DemoProcess> Nodes => _nodes;

    /// <summary>The gateway of both realms, their bootstrap.</summary>
    public DemoProcess Gateway => NodeOf(GatewayName);

    /// <summary>Provides <c>math.add</c>.</summary>
    public DemoProcess Provider => NodeOf(_plan.Provider.Name);

    /// <summary>Publishes the load.</summary>
    public DemoProcess Load => NodeOf(_plan.Load.Name);

    /// <summary>Publishes the memory.</summary>
    public DemoProcess Memory => NodeOf(_plan.Memory.Name);

    /// <summary>Provides <c>echo</c> in the other realm.</summary>
    public DemoProcess GuestEcho => NodeOf(_plan.GuestEcho.Name);

    /// <summary>Calls and subscribes.</summary>
    public SessionProcess Viewer { get; private set; } = null!;

    /// <summary>Tries the same in the other realm.</summary>
    public SessionProcess Guest { get; private set; } = null!;

    /// <summary>Completes when a process has ended that nobody told to.</summary>
    public Task<ChildProcess> UnexpectedEnd => _unexpectedEnd.Task;

    /// <summary>Founds the realms, issues the certificates, and starts the processes, each of which says that it runs.</summary>
    /// <exception cref="DemoException">One did not come up.</exception>
    /// <exception cref="OperationCanceledException">The token fired; nothing is left running.</exception>
    public static async Task<DemoMesh> StartAsync(DemoPlan plan, CancellationToken cancellationToken)
    {
        var mesh = new DemoMesh(plan);
        try
        {
            await mesh.StartAllAsync(cancellationToken);
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the second provider, if the plan has one; completes when others can find it.</summary>
    /// <exception cref="DemoException">It did not come up.</exception>
    public async Task<DemoProcess?> StartSuccessorAsync(CancellationToken cancellationToken)
    {
        if (_plan.Successor is not { } successor)
        {
            return null;
        }

        var process = await AnnounceAsync(Launch(successor), successor.Realm, cancellationToken);
        await WaitForAsync(process.Process, "published", cancellationToken);
        return process;
    }

    /// <summary>What a process says of an event, which must come soon.</summary>
    /// <exception cref="DemoException">It did not, or the process has ended.</exception>
    public static async Task<JsonElement> WaitForAsync(ChildProcess process, string eventName, CancellationToken cancellationToken)
    {
        try
        {
            return await process.WaitForEventAsync(eventName, cancellationToken).WaitAsync(StartTimeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new DemoException($"The process '{process.Name}' did not say '{eventName}' within {StartTimeout.TotalSeconds:0} s.", process);
        }
        catch (EndOfStreamException)
        {
            throw new DemoException($"The process '{process.Name}' ended before it said '{eventName}'.", process);
        }
    }

    /// <summary>A line of a process's log that holds all of some words, which must come soon.</summary>
    /// <exception cref="DemoException">None did.</exception>
    public static async Task<string> WaitForLogAsync(ChildProcess process, string[] words, CancellationToken cancellationToken)
    {
        try
        {
            return await process.WaitForLogAsync(words, cancellationToken).WaitAsync(StartTimeout, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or EndOfStreamException)
        {
            throw new DemoException($"The log of '{process.Name}' has no line with {string.Join(" and ", words)}.", process);
        }
    }

    /// <summary>The guest dials the home realm's gateway with that realm's file and its own certificate, in a process of its own.</summary>
    /// <returns>What that process printed.</returns>
    /// <exception cref="DemoException">It printed nothing.</exception>
    public async Task<JsonElement> IntrudeAsync(CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var intruder = Keep(ChildProcess.Start(
            _plan.Program,
            "intruder",
            [
                "call", "math.add", "--as", _files[_plan.Guest.Realm, _plan.Guest.Name], "--realm", _files.RealmFileOf(DemoPlan.HomeRealm),
                "--own-certificate", "skipped", "--at", Gateway.Address, "--json",
            ],
            line => answer.TrySetResult(line)));
        await intruder.Ended.WaitAsync(cancellationToken);
        return answer.Task.IsCompleted ? await answer.Task : throw new DemoException("The guest's call to the foreign gateway printed nothing.", intruder);
    }

    /// <summary>Ends every process and removes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
        }
        finally
        {
            _files.Dispose();
        }
    }

    private async Task StartAllAsync(CancellationToken cancellationToken)
    {
        const NodeRoles GatewayRoles = NodeRoles.Gateway | NodeRoles.Bootstrap;
        _files.Found(DemoPlan.HomeRealm);
        _files.Found(DemoPlan.OtherRealm);
        string[] identities = [.. new[] { DemoPlan.HomeRealm, DemoPlan.OtherRealm }.SelectMany(realm => new[] { "--as", _files.Issue(realm, GatewayName, GatewayRoles) })];
        var gateway = Keep(ChildProcess.Start(_plan.Program, GatewayName, ["gateway", "run", .. identities, "--listen", AnyLoopbackPort, "--until-eof", "--json"]), isStaying: true);
        var listening = await AnnounceAsync(gateway, $"{DemoPlan.HomeRealm}, {DemoPlan.OtherRealm}", cancellationToken);
        _files.SetBootstrap(listening.Address);

        DemoNode[] served = [_plan.Provider, _plan.Load, _plan.Memory, _plan.GuestEcho];
        var processes = served.Select(node => (Node: node, Process: Launch(node))).ToList();
        Viewer = LaunchSession(_plan.Viewer);
        Guest = LaunchSession(_plan.Guest);
        processes.Insert(1, (_plan.Viewer, Viewer.Process));
        processes.Insert(4, (_plan.Guest, Guest.Process));
        foreach (var (node, process) in processes)
        {
            await AnnounceAsync(process, node.Realm, cancellationToken);
        }
    }

    private ChildProcess Launch(DemoNode node) => Keep(ChildProcess.Start(_plan.Program, node.Name, [.. CommandOf(node), "--until-eof"]), isStaying: true);

    private SessionProcess LaunchSession(DemoNode node)
    {
        var session = SessionProcess.Start(_plan.Program, node.Name, CommandOf(node));
        Keep(session.Process, isStaying: true);
        return session;
    }

    private string[] CommandOf(DemoNode node) => [.. node.Command, "--as", _files.Issue(node.Realm, node.Name, NodeRoles.Peer), "--listen", AnyLoopbackPort, "--json"];

    private async Task<DemoProcess> AnnounceAsync(ChildProcess process, string realm, CancellationToken cancellationToken)
    {
        var announced = await WaitForAnyAsync(process, ["listening", "serving", "publishing", "ready"], cancellationToken);
        var id = announced.TryGetProperty("nodeId", out var session) ? session : announced.TryGetProperty("id", out var node) ? node : default;
        var described = new DemoProcess(process, realm, announced.GetProperty("address").GetString()!, id.ValueKind == JsonValueKind.String ? id.GetString()! : "one in each realm");
        _nodes.Add(described);
        return described;
    }

    private static async Task<JsonElement> WaitForAnyAsync(ChildProcess process, string[] events, CancellationToken cancellationToken) =>
        await await Task.WhenAny(events.Select(name => WaitForAsync(process, name, cancellationToken)));

    private DemoProcess NodeOf(string name) => _nodes.First(node => node.Process.Name == name);

    private ChildProcess Keep(ChildProcess process, bool isStaying = false)
    {
        _processes.Add(process);
        if (isStaying)
        {
            _ = WatchAsync(process);
        }

        return process;
    }

    private async Task WatchAsync(ChildProcess process)
    {
        await process.Ended;
        if (!process.IsToldToEnd)
        {
            _unexpectedEnd.TrySetResult(process);
        }
    }
}

/// <summary>A node that runs in a process of its own.</summary>
/// <param name="Process">What runs it, under the node's name.</param>
/// <param name="Realm">Where it is a member; for the gateway, both, with a comma.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="NodeId">Who it is there.</param>
public sealed record DemoProcess(ChildProcess Process, string Realm, string Address, string NodeId);
