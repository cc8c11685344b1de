using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Wire;
using Macula.Wire.Time;

namespace Macula.Testing.Realms;

/// <summary>A realm in memory, with its authority at hand, for tests.</summary>
public sealed class TestRealm : IDisposable
{
    private readonly RandomSource _random;

    /// <summary>Founds a realm.</summary>
    /// <param name="name">Its name: a lower-case DNS name.</param>
    /// <param name="scheme"><see cref="KeyedHashScheme"/> for simulations that must repeat, <see cref="EcdsaP256Scheme"/> for real sockets.</param>
    /// <param name="random">Where keys and serial numbers come from.</param>
    /// <param name="now">When the authority's certificate begins.</param>
    public TestRealm(string name, SignatureScheme scheme, RandomSource random, WallTime now)
    {
        _random = random;
        Authority = RealmAuthority.Create(RealmName.Parse(name), scheme, random, now);
    }

    /// <summary>The realm's certificate authority, to revoke nodes or change the policy with.</summary>
    public RealmAuthority Authority { get; }

    /// <summary>The realm file as it stands now.</summary>
    public RealmFile File => Authority.Realm;

    /// <summary>Makes a key and certificate for a node.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="now">When the certificate begins.</param>
    /// <param name="roles">What the node may be.</param>
    /// <param name="lifetime">How long the certificate lives; null takes 90 days.</param>
    public NodeCredentials Issue(string name, WallTime now, NodeRoles roles = NodeRoles.Peer, TimeSpan? lifetime = null)
    {
        var key = File.Scheme.CreateKey(_random);
        var request = new NodeCertificateRequest(NodeName.Parse(name), roles, key.SubjectPublicKeyInfo) { Lifetime = lifetime };
        return new NodeCredentials(Authority.Issue(request, _random, now), key);
    }

    /// <summary>Lets go of the authority's key.</summary>
    public void Dispose() => Authority.Dispose();
}
