using System.Net;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Time;

namespace Macula.Tests.Meshes;

/// <summary>A place to start nodes in: a simulated network in virtual time, or this machine's loopback.</summary>
public abstract class Mesh : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _running = [];
    private readonly List<IDisposable> _owned = [];

    /// <summary>The clock that nodes here run by.</summary>
    public abstract TimeProvider Time { get; }

    /// <summary>Where code of the test that waits for something is to run.</summary>
    public abstract MeshScheduler Scheduler { get; }

    /// <summary>What the nodes have logged, over all of them.</summary>
    public LogRecorder Log { get; } = new();

    /// <summary>How certificates are signed here.</summary>
    protected abstract SignatureScheme Scheme { get; }

    /// <summary>Randomness for realms.</summary>
    protected abstract RandomSource Random { get; }

    /// <summary>The present, as nodes here see it.</summary>
    public WallTime WallNow => WallTime.From(Time.GetUtcNow());

    /// <summary>The realm that was founded last; null before the first.</summary>
    public TestRealm? Realm { get; private set; }

    /// <summary>Founds a realm.</summary>
    public TestRealm Found(string name)
    {
        Realm = new TestRealm(name, Scheme, Random, WallNow);
        _owned.Add(Realm);
        return Realm;
    }

    /// <summary>Starts a node of a realm, which is stopped with the mesh.</summary>
    public async Task<MaculaPeer> StartAsync(TestRealm realm, string name, Func<MaculaPeerOptions, MaculaPeerOptions>? configure = null)
    {
        var credentials = realm.Issue(name, WallNow);
        _owned.Add(credentials);
        return await StartAsync(realm.File, credentials, configure);
    }

    /// <summary>Starts a node with these credentials.</summary>
    public async Task<MaculaPeer> StartAsync(RealmFile realm, NodeCredentials credentials, Func<MaculaPeerOptions, MaculaPeerOptions>? configure = null)
    {
        var options = PlaceNode(new MaculaPeerOptions { Realm = realm, Credentials = credentials, Transport = NextTransport(out var address), LoggerFactory = Log }, address);
        var peer = await MaculaPeer.StartAsync(configure is null ? options : configure(options));
        _running.Add(peer);
        return peer;
    }

    /// <summary>Binds an endpoint for nodes of several realms, which is closed with the mesh.</summary>
    public async Task<MeshEndpoint> BindAsync(Func<ITransport, ITransport>? wrap = null)
    {
        var transport = NextTransport(out var address);
        var options = new MeshEndpointOptions { Transport = wrap?.Invoke(transport) ?? transport, Endpoint = new EndpointOptions { LocalEndPoint = address }, LoggerFactory = Log, Scheduler = NodeScheduler };
        var endpoint = await MeshEndpoint.BindAsync(options);
        Keep(endpoint);
        return endpoint;
    }

    /// <summary>Starts a node of a realm on an endpoint that others share; it is stopped with the mesh.</summary>
    public async Task<MaculaPeer> StartAsync(MeshEndpoint shared, TestRealm realm, string name, Func<MaculaPeerOptions, MaculaPeerOptions>? configure = null)
    {
        var credentials = realm.Issue(name, WallNow);
        _owned.Add(credentials);
        var options = new MaculaPeerOptions { Realm = realm.File, Credentials = credentials, SharedEndpoint = shared, LoggerFactory = Log, Random = NodeRandom(name) };
        var peer = await MaculaPeer.StartAsync(configure is null ? options : configure(options));
        Keep(peer);
        return peer;
    }

    /// <summary>Has something stopped with the mesh, before what was started earlier.</summary>
    public void Keep(IAsyncDisposable running) => _running.Add(running);

    /// <summary>Lets go of a node that was killed: there is nothing left to stop.</summary>
    public void Abandon(MaculaPeer killed) => _running.Remove(killed);

    /// <summary>A transport for one more node or stranger, and an address for it to bind.</summary>
    public abstract ITransport NextTransport(out IPEndPoint address);

    /// <summary>Waits until something holds that no event announces, looking again every 20 ms by the mesh's clock.</summary>
    /// <remarks>The runner's limit ends a wait in vain.</remarks>
    public async Task UntilAsync(Func<bool> holds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20), Time);
        while (!holds())
        {
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until something holds that must be asked for: see <see cref="UntilAsync(Func{bool})"/>.</summary>
    public async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20), Time);
        while (!await holds())
        {
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Makes a call again and again, every 20 ms by the mesh's clock, until it fails with a code.</summary>
    public async Task UntilFailsAsync(Func<ValueTask<CallReply>> call, ErrorCode code)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20), Time);
        while (true)
        {
            try
            {
                await call();
            }
            catch (CallException failure) when (failure.Code == code)
            {
                return;
            }
            catch (CallException)
            {
                // Another failure on the way to this one.
            }

            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Stops every node, the last one first.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var running in Enumerable.Reverse(_running))
        {
            await running.DisposeAsync();
        }

        foreach (var owned in _owned)
        {
            owned.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Where nodes at the address that was given out last run; null for the default.</summary>
    public virtual MeshScheduler? NodeScheduler => null;

    /// <summary>Where a node there gets its randomness; null for the default.</summary>
    public virtual RandomSource? NodeRandom(string name) => null;

    /// <summary>Gives a node what every node here has.</summary>
    protected virtual MaculaPeerOptions PlaceNode(MaculaPeerOptions options, IPEndPoint address) =>
        options with { Endpoint = options.Endpoint with { LocalEndPoint = address } };
}
