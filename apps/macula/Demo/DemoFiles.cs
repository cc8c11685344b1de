using Macula.Cli.Nodes;
using Macula.Cli.Processes;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Transport.Execution;

namespace Macula.Cli.Demo;

/// <summary>The realms and certificates of a demonstration, in a temporary directory that only this account may enter and that is gone with this object.</summary>
internal sealed class DemoFiles : IDisposable
{
    // The demonstration takes half a minute; whoever finds a copy of a key tomorrow can do nothing with it.
    private static readonly TimeSpan CertificateLifetime = TimeSpan.FromHours(1);

    private readonly TemporaryDirectory _root = TemporaryDirectory.Create("macula-demo-");
    private readonly SortedDictionary<string, RealmAuthority> _realms = new(StringComparer.Ordinal);

    /// <summary>The directory of a node.</summary>
    public string this[string realm, string node] => Path.Combine(_root.Path, realm, node);

    /// <summary>The realm file that members of a realm have.</summary>
    public string RealmFileOf(string realm) => Path.Combine(_root.Path, $"{realm}.json");

    /// <summary>Founds a realm.</summary>
    public void Found(string realm)
    {
        _realms.Add(realm, RealmAuthority.Create(RealmName.Parse(realm), EcdsaP256Scheme.Instance, new SystemRandomSource(), SystemTime.Now));
        _realms[realm].Realm.Save(RealmFileOf(realm));
    }

    /// <summary>Names the address that nodes issued from now on are given.</summary>
    public void SetBootstrap(string address)
    {
        foreach (var (name, realm) in _realms)
        {
            realm.SetBootstraps([BootstrapAddress.Parse(address)]);
            realm.Realm.Save(RealmFileOf(name));
        }
    }

    /// <summary>Makes a node's key, certificate and directory; the key file is open to its owner alone.</summary>
    /// <returns>The directory.</returns>
    public string Issue(string realm, string node, NodeRoles roles)
    {
        var authority = _realms[realm];
        var key = EcdsaP256Scheme.Instance.CreateKey(new SystemRandomSource());
        var request = new NodeCertificateRequest(NodeName.Parse(node), roles, key.SubjectPublicKeyInfo) { Lifetime = CertificateLifetime };
        using var credentials = new NodeCredentials(authority.Issue(request, new SystemRandomSource(), SystemTime.Now), key);
        var files = new NodeDirectory(this[realm, node]);
        Directory.CreateDirectory(files.Path);
        credentials.Save(files.CertificatePath, files.KeyPath);
        authority.Realm.Save(files.RealmFilePath);
        return files.Path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var realm in _realms.Values)
        {
            realm.Dispose();
        }

        _root.Dispose();
    }
}
