using System.Collections.Immutable;
using Macula.Identity.Credentials;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Testing.Realms;
using Macula.Testing.VirtualTime;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>One realm of a simulation, and what its members do: the procedures that some of them provide and others call, the topics.</summary>
internal sealed class SimulatedRealm : IDisposable
{
    private const int Procedures = 5;

    private readonly Dictionary<CertificateHash, ReadOnlyMemory<byte>> _certificates = [];
    private readonly List<NodeCredentials> _credentials = [];
    private readonly TestRealm _realm;
    private readonly WallTime _now;

    public SimulatedRealm(VirtualWorld world, int number)
    {
        Tag = ((char)('a' + number)).ToString();
        _now = WallTime.From(world.Time.GetUtcNow());
        _realm = new TestRealm($"tenant-{Tag}", KeyedHashScheme.Instance, world.Random.Fork($"realm {Tag}"), _now);

        // Nodes by name, so that a member without such a name may do everything but subscribe.
        _realm.Authority.SignPolicy(
        [
            new PolicyRule([PolicySubject.InRole(NodeRoles.Peer)], [MeshAction.Publish, MeshAction.Call, MeshAction.Advertise, MeshAction.Store], [NamePattern.Everything]),
            new PolicyRule([MembersOf(Tag)], [MeshAction.Subscribe], [NamePattern.Everything]),
            new PolicyRule([PolicySubject.InRole(NodeRoles.Gateway), PolicySubject.InRole(NodeRoles.Bootstrap)], [MeshAction.Relay, MeshAction.Store], [NamePattern.Everything]),
        ]);

        // The same names in each realm: a leak would find a listener.
        ProcedureNames = [.. Enumerable.Range(0, Procedures).Select(procedure => ProcedureName.Parse($"work.kind-{procedure}"))];
        Trust = new RealmTrust(File);
    }

    /// <summary>A letter that stands in the names of its nodes.</summary>
    public string Tag { get; }

    public RealmFile File => _realm.File;

    public RealmTrust Trust { get; }

    public ImmutableArray<ProcedureName> ProcedureNames { get; }

    public ImmutableArray<TopicName> Topics { get; } = [.. new[] { "sensor.load.one", "sensor.load.five", "sensor.memory", "alarm" }.Select(TopicName.Parse)];

    /// <summary>Patterns of each kind: a topic itself, one segment, any number of them, everything.</summary>
    public ImmutableArray<TopicPattern> TopicPatterns { get; } = [.. new[] { "sensor.load.one", "sensor.memory", "sensor.*", "sensor.load.*", "sensor.**", "alarm", "**" }.Select(TopicPattern.Parse)];

    /// <summary>The members of this realm, without the gateway.</summary>
    public List<SimulatedPeer> Members { get; } = [];

    /// <summary>The ids of all members that ever got a certificate.</summary>
    public HashSet<NodeId> Ids { get; } = [];

    public NodeCredentials Issue(string name, NodeRoles roles)
    {
        var credentials = _realm.Issue(name, _now, roles);
        _credentials.Add(credentials);
        Ids.Add(credentials.Identity.NodeId);
        _certificates.Add(credentials.Identity.CertificateHash, credentials.Certificate.Der);
        return credentials;
    }

    /// <summary>The certificate of a member, by its hash; empty when no member has it.</summary>
    public ReadOnlyMemory<byte> CertificateOf(CertificateHash hash) => _certificates.GetValueOrDefault(hash);

    private static PolicySubject MembersOf(string tag) =>
        PolicySubject.TryParse($"node:{tag}*", out var members) ? members : throw new InvalidOperationException($"The tag {tag} makes no node name.");

    public void Dispose()
    {
        _credentials.ForEach(static credentials => credentials.Dispose());
        _realm.Dispose();
    }
}
