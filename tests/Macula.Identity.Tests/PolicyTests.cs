using Macula.Identity.Certificates;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Identity.Tests.Support;
using Macula.Wire.Errors;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/05-policy.md: who may do what.</summary>
public sealed class PolicyTests : IDisposable
{
    private readonly TestRealm _realm = new(1, KeyedHashScheme.Instance);

    public void Dispose() => _realm.Dispose();

    [Theory] // [POL-7]
    [InlineData(NodeRoles.Peer, "publish subscribe call advertise store")]
    [InlineData(NodeRoles.Gateway, "relay store")]
    [InlineData(NodeRoles.Bootstrap, "relay store")]
    [InlineData(NodeRoles.Peer | NodeRoles.Gateway, "publish subscribe call advertise relay store")]
    public void FirstPolicyGivesEachRoleItsOwnAndSeveralRolesAllOfIt(NodeRoles roles, string allowed)
    {
        var node = _realm.Issue("node-1", roles).Identity;
        var authorizer = new Authorizer(_realm.Authority.Realm.Id, _realm.Authority.Realm.Policy);
        var may = Enum.GetValues<MeshAction>().Where(action => authorizer.Authorize(node, action, NameOf(action)).IsAllowed);
        Assert.Equal(allowed, string.Join(' ', may.Select(action => action.ToString())), ignoreCase: true);
    }

    private static string NameOf(MeshAction action) => action is MeshAction.Relay or MeshAction.Store ? "" : "sensor.load";

    [Fact] // [POL-1]
    public void WithoutAPolicyNothingIsPermitted()
    {
        var node = _realm.Issue("node-1").Identity;
        var authorizer = new Authorizer(_realm.Authority.Realm.Id, null);
        foreach (var action in Enum.GetValues<MeshAction>())
        {
            Assert.Equal(ErrorCode.NotPermitted, authorizer.Authorize(node, action, "a").Code);
        }

        Assert.False(default(Authorization).IsAllowed);
        Assert.Equal(ErrorCode.NotPermitted, default(Authorization).Code);
    }

    [Fact] // [POL-1]
    public void NodeOfAnotherRealmIsPermittedNothing()
    {
        using var other = new TestRealm(2, KeyedHashScheme.Instance);
        var authorizer = new Authorizer(_realm.Authority.Realm.Id, _realm.Authority.Realm.Policy);
        Assert.False(authorizer.Authorize(other.Issue("node-1").Identity, MeshAction.Call, "a").IsAllowed);
    }

    [Fact] // [POL-2]
    public void EmptyPolicyPermitsNothing() => Assert.False(May("node-1", MeshAction.Call, "a"));

    [Fact] // [POL-2], [POL-3]
    public void RulesNameNodesActionsAndNames()
    {
        var sensors = Rule("node:sensor-*", MeshAction.Publish, "sensor.*");
        var all = Rule("any", MeshAction.Subscribe, "sensor.load");
        Assert.True(May("sensor-7", MeshAction.Publish, "sensor.load", sensors, all));
        Assert.False(May("sensor-7", MeshAction.Publish, "alarm.load", sensors, all));
        Assert.False(May("sensor-7", MeshAction.Call, "sensor.load", sensors, all));
        Assert.False(May("viewer", MeshAction.Publish, "sensor.load", sensors, all));
        Assert.True(May("viewer", MeshAction.Subscribe, "sensor.load", sensors, all));
        Assert.False(May("viewer", MeshAction.Subscribe, "sensor.memory", sensors, all));
    }

    [Fact]
    public void RefusalSaysWhatWasRefusedAndCopiesNoBytesThatAreNoName()
    {
        var node = _realm.Issue("node-1").Identity;
        var authorizer = new Authorizer(_realm.Authority.Realm.Id, _realm.Authority.SignPolicy([]));
        Assert.Equal("Policy 2 of the realm does not let node-1 call on 'math.add'.", authorizer.Authorize(node, MeshAction.Call, "math.add").Sentence);
        Assert.Equal("Policy 2 of the realm does not let node-1 relay.", authorizer.Authorize(node, MeshAction.Relay, "").Sentence);
        Assert.DoesNotContain('\n', authorizer.Authorize(node, MeshAction.Call, "a\nERROR forged line").Sentence);
        Assert.False(authorizer.Authorize(node, MeshAction.Call, new string('a', 256)).IsAllowed);
    }

    [Theory] // [POL-4]
    [InlineData("a.b", "a.b", true)]
    [InlineData("a.b", "a.c", false)]
    [InlineData("a.b", "a", false)]
    [InlineData("a", "a.b", false)]
    [InlineData("a", "A", false)]
    [InlineData("*", "a", true)]
    [InlineData("*", "a.b", false)]
    [InlineData("*", "", false)]
    [InlineData("a.*", "a.b", true)]
    [InlineData("a.*", "a", false)]
    [InlineData("a.*.c", "a.b.c", true)]
    [InlineData("**", "", true)]
    [InlineData("**", "a.b.c", true)]
    [InlineData("a.**", "a", true)]
    [InlineData("a.**", "a.b.c", true)]
    [InlineData("a.**", "b", false)]
    [InlineData("**.c", "c", true)]
    [InlineData("**.c", "a.b.c", true)]
    [InlineData("**.c", "a.c.b", false)]
    [InlineData("a.**.c.**.e", "a.b.c.d.e", true)]
    [InlineData("a.**.c.**.e", "a.c.e", true)]
    [InlineData("a.**.c.**.e", "a.e.c", false)]
    [InlineData("**.a.b", "a.a.a.b", true)]
    [InlineData("*.**.*", "a", false)]
    [InlineData("*.**.*", "a.b", true)]
    [InlineData("*", ".", false)]
    [InlineData("a.b", "a.b.", false)]
    public void PatternCoversNames(string pattern, string name, bool covers) => Assert.Equal(covers, NamePattern.Parse(pattern).Covers(name));

    [Theory] // [POL-5]
    [InlineData("sensor.**", "sensor.*", true)]
    [InlineData("sensor.*", "sensor.*", true)]
    [InlineData("sensor.**", "sensor.**", true)]
    [InlineData("**", "**", true)]
    [InlineData("**", "*.a.**", true)]
    [InlineData("sensor.*", "sensor.**", false)]
    [InlineData("sensor.*", "**", false)]
    [InlineData("sensor.load", "sensor.*", false)]
    [InlineData("sensor.**", "*", false)]
    [InlineData("*", "**", false)]
    [InlineData("*.**", "**.*", false)]
    public void PatternCoversAnotherOnlyIfItIsAsWide(string pattern, string requested, bool covers) =>
        Assert.Equal(covers, NamePattern.Parse(pattern).Covers(requested));

    [Fact] // [POL-4], [POL-5]
    public void CoveringAgreesWithTryingAllNames()
    {
        // Every pattern and every name of up to three segments over two letters: small, but whole.
        string[] letters = ["a", "b"];
        var names = Sequences(letters, 4).ToArray();
        var patterns = Sequences(["a", "*", "**"], 3).Where(text => text.Length > 0).ToArray();
        foreach (var text in patterns)
        {
            var pattern = NamePattern.Parse(text);
            foreach (var name in names)
            {
                Assert.Equal(Slow(text.Split('.'), name.Length == 0 ? [] : name.Split('.')), pattern.Covers(name));
            }

            foreach (var requested in patterns.Where(other => pattern.Covers(other)))
            {
                var narrower = NamePattern.Parse(requested);
                Assert.All(names.Where(name => narrower.Covers(name)), name => Assert.True(pattern.Covers(name), $"{text} {requested} {name}"));
            }
        }
    }

    private static IEnumerable<string> Sequences(string[] alphabet, int most) => most == 0
        ? [""]
        : Sequences(alphabet, most - 1).SelectMany(shorter => alphabet.Select(letter => shorter.Length == 0 ? letter : $"{shorter}.{letter}").Append(shorter)).Distinct();

    private static bool Slow(ReadOnlySpan<string> pattern, ReadOnlySpan<string> name) =>
        pattern.IsEmpty ? name.IsEmpty
        : pattern[0] == "**" ? Slow(pattern[1..], name) || (!name.IsEmpty && Slow(pattern, name[1..]))
        : !name.IsEmpty && (pattern[0] == "*" || pattern[0] == name[0]) && Slow(pattern[1..], name[1..]);

    [Theory] // [POL-4]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("a.")]
    [InlineData("a.***")]
    [InlineData("a*")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q")]
    public void OtherNamePatternsAreRefused(string text) => Assert.False(NamePattern.TryParse(text, out _));

    [Theory] // [POL-3]
    [InlineData("any")]
    [InlineData("role:peer")]
    [InlineData("role:gateway")]
    [InlineData("role:bootstrap")]
    [InlineData("node:a")]
    [InlineData("node:*-x.*")]
    public void SubjectComesBackAsItWasWritten(string text)
    {
        Assert.True(PolicySubject.TryParse(text, out var subject));
        Assert.Equal(text, subject.ToString());
    }

    [Theory] // [POL-3]
    [InlineData("")]
    [InlineData("Any")]
    [InlineData("role:")]
    [InlineData("role:admin")]
    [InlineData("node:")]
    [InlineData("node:A")]
    [InlineData("node:a b")]
    [InlineData("key:1")]
    public void OtherSubjectsAreRefused(string text) => Assert.False(PolicySubject.TryParse(text, out _));

    [Theory] // [POL-3]
    [InlineData("*", "a", true)]
    [InlineData("a*", "a", true)]
    [InlineData("a*c", "abbc", true)]
    [InlineData("a*c", "abcb", false)]
    [InlineData("*b*b", "abab", true)]
    [InlineData("*b*b", "aba", false)]
    [InlineData("a", "ab", false)]
    [InlineData("**", "ab", true)]
    public void StarInANodeNameStandsForAnyCharacters(string glob, string name, bool matches) =>
        Assert.Equal(matches, May(name, MeshAction.Call, "x", Rule("node:" + glob, MeshAction.Call, "**")));

    [Fact]
    public void AllowedPathAllocatesNothing()
    {
        var node = _realm.Issue("node-1").Identity;
        var rules = Enumerable.Range(0, 50).Select(index => Rule($"node:other-{index}*", MeshAction.Call, "a.**.b")).Append(Rule("node:node-*", MeshAction.Call, "**.c")).ToArray();
        var authorizer = new Authorizer(_realm.Authority.Realm.Id, _realm.Authority.SignPolicy(rules));
        Assert.True(authorizer.Authorize(node, MeshAction.Call, "a.b.c").IsAllowed);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
        {
            authorizer.Authorize(node, MeshAction.Call, "a.b.c");
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact] // [POL-6]
    public void RulesAndPoliciesAreLimited()
    {
        Assert.Throws<ArgumentException>(() => new PolicyRule([], [MeshAction.Call], [NamePattern.Everything]));
        Assert.Throws<ArgumentException>(() => new PolicyRule([PolicySubject.AnyMember], [], [NamePattern.Everything]));
        Assert.Throws<ArgumentException>(() => new PolicyRule([PolicySubject.AnyMember], [(MeshAction)9], [NamePattern.Everything]));
        Assert.Throws<ArgumentException>(() => new PolicyRule([PolicySubject.AnyMember], [MeshAction.Call], [.. Enumerable.Repeat(NamePattern.Everything, 33)]));
        Assert.Throws<ArgumentException>(() => new PolicyRule([.. Enumerable.Repeat(PolicySubject.AnyMember, 33)], [MeshAction.Call], [NamePattern.Everything]));
        Assert.Throws<ArgumentException>(() => _realm.Authority.SignPolicy([.. Enumerable.Repeat(Rule("any", MeshAction.Call, "**"), 257)]));
        Assert.Equal(1, _realm.Authority.Realm.Policy!.Sequence);
    }

    private static PolicyRule Rule(string who, MeshAction may, string on)
    {
        Assert.True(PolicySubject.TryParse(who, out var subject));
        return new PolicyRule([subject], [may], [NamePattern.Parse(on)]);
    }

    private static bool May(string name, MeshAction action, string on, params PolicyRule[] rules)
    {
        using var realm = new TestRealm(5, KeyedHashScheme.Instance);
        NodeIdentity who = realm.Issue(name).Identity;
        return new Authorizer(realm.Authority.Realm.Id, realm.Authority.SignPolicy(rules)).Authorize(who, action, on).IsAllowed;
    }
}
