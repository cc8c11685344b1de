using System.Buffers.Binary;
using System.Text;
using Macula.Identity.Policy;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>[ID-23], [POL-8]: what is signed and yet not known here is refused, since it might have forbidden something.</summary>
public sealed class SignedContentTests : IDisposable
{
    private const string Entry = """{"node":"a0622e8f6b61efa4bb92d01b7fe4e27086390bae","revoked_at":1,"until":2,"reason":"superseded"}""";

    private readonly TestRealm _realm = new(1, KeyedHashScheme.Instance);

    public void Dispose() => _realm.Dispose();

    [Fact]
    public void DocumentSignedByHandIsTaken()
    {
        // Without this, the refusals below could all have one wrong reason.
        Assert.True(TryAdopt(DocumentKind.Policy, """{"version":1,"rules":[{"who":["any"],"may":["call"],"on":["a.*"]}]}""", out var newer));
        Assert.Equal("a.*", newer!.Policy!.Rules[0].On[0].ToString());
        Assert.True(TryAdopt(DocumentKind.Revocations, $$"""{"version":1,"revoked":[{{Entry}}]}""", out newer));
        Assert.Single(newer!.Revocations!.Entries);
    }

    [Theory] // [POL-3], [POL-4], [POL-6], [POL-8]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"version":1}""")]
    [InlineData("""{"version":2,"rules":[]}""")]
    [InlineData("""{"version":1,"rules":null}""")]
    [InlineData("""{"version":1,"rules":[],"deny":[]}""")]
    [InlineData("""{"version":1,"rules":[null]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":["call"],"on":["a"],"until":5}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"who":["any"],"may":["call"],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":["call"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":[],"may":["call"],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":[],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":["call"],"on":[]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["role:admin"],"may":["call"],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":["Call"],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":["0"],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["any"],"may":["call"],"on":["a*"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":["\ud800"],"may":["call"],"on":["a"]}]}""")]
    [InlineData("""{"version":1,"rules":[{"who":[null],"may":["call"],"on":["a"]}]}""")]
    public void PolicyThatIsNotKnownHereIsRefused(string content) => Assert.False(TryAdopt(DocumentKind.Policy, content, out _));

    [Fact] // [POL-6]
    public void PolicyWithTooManyRulesOrBytesIsRefused()
    {
        const string Rule = """{"who":["any"],"may":["call"],"on":["a"]}""";
        string Policy(int rules) => $$"""{"version":1,"rules":[{{string.Join(',', Enumerable.Repeat(Rule, rules))}}]}""";
        Assert.True(TryAdopt(DocumentKind.Policy, Policy(RealmPolicy.MaxRules), out _));
        Assert.False(TryAdopt(DocumentKind.Policy, Policy(RealmPolicy.MaxRules + 1), out _));
        Assert.False(TryAdopt(DocumentKind.Policy, Policy(1) + new string(' ', RealmPolicy.MaxContentBytes), out _));
    }

    [Theory] // [ID-23]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"version":2,"revoked":[]}""")]
    [InlineData("""{"version":1,"revoked":[],"groups":[]}""")]
    [InlineData("""{"version":1,"revoked":[null]}""")]
    [InlineData("""{"version":1,"revoked":[{"revoked_at":1,"until":2,"reason":"superseded"}]}""")]
    [InlineData("""{"version":1,"revoked":[{"node":"a0","revoked_at":1,"until":2,"reason":"superseded"}]}""")]
    [InlineData("""{"version":1,"revoked":[{"serial":"00000000000000000000000000000000","revoked_at":1,"until":2,"reason":"superseded"}]}""")]
    [InlineData("""{"version":1,"revoked":[{"node":"a0622e8f6b61efa4bb92d01b7fe4e27086390bae","serial":"40000000000000000000000000000000","revoked_at":1,"until":2,"reason":"superseded"}]}""")]
    [InlineData("""{"version":1,"revoked":[{"node":"a0622e8f6b61efa4bb92d01b7fe4e27086390bae","revoked_at":1,"until":2,"reason":"whim"}]}""")]
    [InlineData("""{"version":1,"revoked":[{"node":"a0622e8f6b61efa4bb92d01b7fe4e27086390bae","revoked_at":1,"reason":"superseded"}]}""")]
    public void RevocationListThatIsNotKnownHereIsRefused(string content) => Assert.False(TryAdopt(DocumentKind.Revocations, content, out _));

    [Fact] // [ID-23]
    public void RevocationListWithTooManyLinesIsRefused() => Assert.False(TryAdopt(
        DocumentKind.Revocations, $$"""{"version":1,"revoked":[{{string.Join(',', Enumerable.Repeat(Entry, RevocationList.MaxEntries + 1))}}]}""", out _));

    private bool TryAdopt(DocumentKind kind, string content, out RealmFile? newer)
    {
        const long Sequence = 7;
        var realmId = new byte[16];
        _realm.Authority.Realm.Id.CopyTo(realmId);
        var number = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, Sequence);
        var context = kind == DocumentKind.Policy ? "macula policy v1" : "macula revocations v1";
        byte[] message = [.. Encoding.ASCII.GetBytes(context), 0, .. realmId, .. number, .. Encoding.UTF8.GetBytes(content)];
        var document = new SignedDocument(Sequence, content, _realm.AuthorityKey.Sign(message));
        var isTaken = _realm.Authority.Realm.TryAdopt(kind, document, out newer, out var fault);
        Assert.True(isTaken || fault!.Length > 0);
        Assert.DoesNotContain("no authority", fault ?? "", StringComparison.Ordinal);
        return isTaken;
    }
}
