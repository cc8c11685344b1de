using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Transport.Execution;
using Macula.Wire.Time;

namespace Macula.Cli.Tests.Support;

/// <summary>A directory of one test, with realms and nodes in it, gone afterwards together with the nodes that still run.</summary>
internal sealed class Workspace : IAsyncDisposable
{
    private readonly List<ServingNode> _serving = [];

    /// <summary>Where the program runs.</summary>
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("macula-cli-").FullName;

    /// <summary>The path of a file or directory in it.</summary>
    public string this[string name] => Path.Combine(Directory, name);

    private static WallTime Now => WallTime.From(TimeProvider.System.GetUtcNow());

    /// <summary>Founds a realm in a directory named after it, without starting the program.</summary>
    public void Found(string realm)
    {
        var authority = RealmAuthority.Create(RealmName.Parse(realm), EcdsaP256Scheme.Instance, new SystemRandomSource(), Now + TimeSpan.FromDays(-2));
        AuthorityStore.Create(this[realm], authority).Dispose();
    }

    /// <summary>Changes a realm as whoever holds its authority may, and saves it.</summary>
    public void Administer(string realm, Action<AuthorityStore> change)
    {
        using var store = AuthorityStore.Open(this[realm], EcdsaP256Scheme.Instance);
        change(store);
        store.Save();
    }

    /// <summary>Makes a node in a directory named after it, without starting the program.</summary>
    /// <param name="realm">The directory of its authority.</param>
    /// <param name="name">Its name.</param>
    /// <param name="age">How long ago the certificate was issued; it lives one day. Null: now.</param>
    /// <param name="roles">What it may be.</param>
    public void Issue(string realm, string name, TimeSpan? age = null, NodeRoles roles = NodeRoles.Peer) => Administer(realm, store =>
    {
        var key = EcdsaP256Scheme.Instance.CreateKey(new SystemRandomSource());
        var request = new NodeCertificateRequest(NodeName.Parse(name), roles, key.SubjectPublicKeyInfo) { Lifetime = TimeSpan.FromDays(1) };
        using var credentials = new NodeCredentials(store.Authority.Issue(request, new SystemRandomSource(), Now + -(age ?? TimeSpan.Zero)), key);
        System.IO.Directory.CreateDirectory(this[name]);
        credentials.Save(this[Path.Combine(name, "node.crt")], this[Path.Combine(name, "node.key")]);
        store.Authority.Realm.Save(this[Path.Combine(name, "realm.json")]);
    });

    /// <summary>Runs the program here to its end.</summary>
    public Task<ProgramOutcome> RunAsync(params string[] arguments) => MaculaProgram.RunAsync(Directory, arguments);

    /// <summary>Starts <c>macula serve</c> and waits until it serves.</summary>
    /// <param name="node">The node's directory.</param>
    /// <param name="listen">The address to bind.</param>
    public Task<ServingNode> ServeAsync(string node, string listen = "127.0.0.1:0") => StartAsync("serve", "--as", node, "--listen", listen, "--json", "--verbose");

    /// <summary>Starts a command that runs until it is told to stop, and waits until it has printed its first line.</summary>
    public async Task<ServingNode> StartAsync(params string[] arguments)
    {
        var serving = new ServingNode(MaculaProgram.Start(Directory, arguments));
        _serving.Add(serving);
        await serving.WaitUntilServingAsync();
        return serving;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var serving in _serving)
        {
            await serving.DisposeAsync();
        }

        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
