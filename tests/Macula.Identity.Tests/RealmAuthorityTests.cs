using System.Security.Cryptography;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/01-identity.md §2: what an authority certifies and what it refuses.</summary>
public sealed class RealmAuthorityTests : IDisposable
{
    private static readonly NodeName Name = NodeName.Parse("node-1");

    private readonly TestRealm _realm = new();

    private RealmAuthority Authority => _realm.Authority;

    public void Dispose() => _realm.Dispose();

    [Fact] // [ID-1]
    public void RealmIdIsTheHashOfTheFirstKey()
    {
        var digest = SHA256.HashData(_realm.AuthorityKey.SubjectPublicKeyInfo.Span);
        Assert.Equal(Convert.ToHexStringLower(digest[..16]), Authority.Realm.Id.ToString());
    }

    [Fact] // [ID-3]
    public void NodeIdIsTheHashOfSaltAndKey()
    {
        using var key = _realm.NewKey();
        var certificate = _realm.Issue("node-1", key: key);
        var digest = SHA256.HashData([.. certificate.Salt.Span, .. key.SubjectPublicKeyInfo.Span]);
        Assert.Equal(Convert.ToHexStringLower(digest[..20]), certificate.Identity.NodeId.ToString());
    }

    [Fact] // [ID-4]
    public void SaltIsOfTheKeyAndTheAuthority()
    {
        using var key = _realm.NewKey();
        using var other = new TestRealm(2);
        var salt = _realm.Issue("node-1", key: key).Salt.ToArray();
        Assert.Equal(salt, _realm.Issue("node-1", key: key, now: TestRealm.Start + TimeSpan.FromDays(3)).Salt.ToArray());
        Assert.NotEqual(salt, _realm.Issue("node-2").Salt.ToArray());
        Assert.NotEqual(salt, other.Issue("node-1", key: key).Salt.ToArray());
    }

    [Fact] // [ID-18]
    public void NameThatHasALiveKeyGetsNoSecondOne()
    {
        _realm.Issue("node-1");
        Assert.Equal(ErrorCode.NotPermitted, Assert.Throws<AuthorityException>(() => _realm.Issue("node-1")).Code);
        _realm.Issue("node-2");
    }

    [Fact] // [ID-18]
    public void NameIsFreeOnceItsKeyIsRevokedOrExpired()
    {
        _realm.Issue("node-1");
        Authority.Revoke(Name, TestRealm.Start, RevocationReason.KeyCompromise);
        var second = _realm.Issue("node-1", lifetime: TimeSpan.FromDays(1));

        var end = second.Identity.NotAfter + TimeSpan.FromMinutes(5);
        Assert.Throws<AuthorityException>(() => _realm.Issue("node-1", now: end));
        _realm.Issue("node-1", now: end + TimeSpan.FromMilliseconds(1));
    }

    [Fact] // [ID-18]
    public void KeyBelongsToOneName()
    {
        using var key = _realm.NewKey();
        _realm.Issue("node-1", key: key);
        Assert.Equal(ErrorCode.NotPermitted, Assert.Throws<AuthorityException>(() => _realm.Issue("node-2", key: key)).Code);
    }

    [Fact] // [ID-18]
    public void RevokedKeyIsNotCertifiedAgain()
    {
        using var key = _realm.NewKey();
        _realm.Issue("node-1", key: key);
        Authority.Revoke(Name, TestRealm.Start, RevocationReason.KeyCompromise);
        Assert.Throws<AuthorityException>(() => _realm.Issue("node-1", key: key));
        Assert.Throws<AuthorityException>(() => _realm.Issue("node-2", key: key));
    }

    [Fact] // [ID-19]
    public void IssuanceIsCapped()
    {
        using var realm = new TestRealm(3, KeyedHashScheme.Instance, new AuthorityOptions { MaxNodes = 2, MaxCertificatesPerNode = 2 });
        using var key = realm.NewKey();
        realm.Issue("node-1", key: key);
        realm.Issue("node-1", key: key);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AuthorityException>(() => realm.Issue("node-1", key: key)).Code);
        realm.Issue("node-2");
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AuthorityException>(() => realm.Issue("node-3")).Code);
        realm.Authority.Revoke(NodeName.Parse("node-2"), TestRealm.Start, RevocationReason.CessationOfOperation);
        realm.Issue("node-3");
    }

    [Fact]
    public void LedgerForgetsWhatHasExpired()
    {
        for (var index = 0; index < 5; index++)
        {
            _realm.Issue($"node-{index}", lifetime: TimeSpan.FromDays(1));
        }

        _realm.Issue("node-9", now: TestRealm.Start + TimeSpan.FromDays(2));
        Assert.Equal("node-9", Assert.Single(Authority.Issued).Name.Value);
    }

    [Fact]
    public void CertificateNeverOutlivesItsAuthority()
    {
        var late = TestRealm.Start + TimeSpan.FromDays(3650 - 10);
        Assert.Equal(Authority.Realm.Authorities[0].NotAfter, _realm.Issue("node-1", now: late).Identity.NotAfter);
        var code = Assert.Throws<AuthorityException>(() => _realm.Issue("node-2", now: TestRealm.Start + TimeSpan.FromDays(3650))).Code;
        Assert.Equal(ErrorCode.CertificateExpired, code);
    }

    [Fact]
    public void DefaultLifetimesAreNinetyDaysAndTenYears()
    {
        var identity = _realm.Issue("node-1").Identity;
        Assert.Equal(TimeSpan.FromDays(90), identity.NotAfter - identity.NotBefore);
        var authority = Authority.Realm.Authorities[0];
        Assert.Equal(TimeSpan.FromDays(3650), authority.NotAfter - authority.NotBefore);
    }

    [Theory]
    [InlineData(NodeRoles.None)]
    [InlineData((NodeRoles)8)]
    [InlineData(NodeRoles.Peer | (NodeRoles)8)]
    public void RolesWithoutANameAreNotCertified(NodeRoles roles) =>
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AuthorityException>(() => _realm.Issue("node-1", roles)).Code);

    [Fact]
    public void KeyOfAnotherKindOrOfTheAuthorityIsNotCertified()
    {
        using var rsa = RSA.Create(1024);
        var request = new NodeCertificateRequest(Name, NodeRoles.Peer, rsa.ExportSubjectPublicKeyInfo());
        Assert.Throws<AuthorityException>(() => Authority.Issue(request, _realm.Random, TestRealm.Start));
        Assert.Throws<AuthorityException>(() => _realm.Issue("node-1", key: _realm.AuthorityKey));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(59)]
    [InlineData(3651L * 86400)]
    public void LifetimeOutOfRangeIsRefused(long seconds) =>
        Assert.Throws<AuthorityException>(() => _realm.Issue("node-1", lifetime: TimeSpan.FromSeconds(seconds)));

    [Fact] // [ID-20]
    public void EachRevocationMakesAListWithTheNextNumber()
    {
        Assert.Equal(1, Authority.Realm.Revocations!.Sequence);
        _realm.Issue("node-1");
        var other = _realm.Issue("node-2");
        Assert.Equal(2, Authority.Revoke(Name, TestRealm.Start, RevocationReason.PrivilegeWithdrawn).Sequence);
        var list = Authority.Revoke(other.Identity.Serial, TestRealm.Start, RevocationReason.Superseded);
        Assert.Equal(3, list.Sequence);
        Assert.Equal([RevocationReason.PrivilegeWithdrawn, RevocationReason.Superseded], list.Entries.Select(entry => entry.Reason));
        Assert.Same(list, Authority.Realm.Revocations);
    }

    [Fact]
    public void RevocationLeavesTheListOnceItsCertificatesHaveExpired()
    {
        _realm.Issue("node-1", lifetime: TimeSpan.FromDays(1));
        _realm.Issue("node-2");
        Authority.Revoke(Name, TestRealm.Start, RevocationReason.Unspecified);
        var list = Authority.Revoke(NodeName.Parse("node-2"), TestRealm.Start + TimeSpan.FromDays(2), RevocationReason.Unspecified);
        Assert.Single(list.Entries);
    }

    [Fact]
    public void NothingToRevokeIsAnError()
    {
        var certificate = _realm.Issue("node-1");
        Assert.Throws<AuthorityException>(() => Authority.Revoke(NodeName.Parse("node-2"), TestRealm.Start, RevocationReason.Unspecified));
        Authority.Revoke(Name, TestRealm.Start, RevocationReason.Unspecified);
        Assert.Throws<AuthorityException>(() => Authority.Revoke(Name, TestRealm.Start, RevocationReason.Unspecified));
        Assert.Throws<AuthorityException>(() => Authority.Revoke(certificate.Identity.Serial, TestRealm.Start, RevocationReason.Unspecified));
    }

    [Fact] // [ID-20]
    public void PolicyGetsTheNextNumber()
    {
        Assert.Equal(1, Authority.Realm.Policy!.Sequence);
        var policy = Authority.SignPolicy([]);
        Assert.Equal(2, policy.Sequence);
        Assert.Same(policy, Authority.Realm.Policy);
    }

    [Fact] // [ID-12]
    public void RotationKeepsTheRealmAndItsNodes()
    {
        using var key = _realm.NewKey();
        var (id, node) = (Authority.Realm.Id, Authority.IdOf(key.SubjectPublicKeyInfo.Span));
        for (var count = 2; count <= RealmFile.MaxAuthorities; count++)
        {
            Authority.RotateKey(_realm.Random, TestRealm.Start);
            Assert.Equal(count, Authority.Realm.Authorities.Count);
        }

        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AuthorityException>(() => Authority.RotateKey(_realm.Random, TestRealm.Start)).Code);
        var read = RealmFile.Parse(Authority.Realm.ToUtf8(), "memory", _realm.Scheme);
        Assert.Equal(id, read.Id);
        Assert.NotEqual(RealmId.Derive(read.Authorities[^1].SubjectPublicKeyInfo.Span), id);
        Assert.Equal(node, _realm.Issue("node-1", key: key).Identity.NodeId);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        AuthorityOptions[] bad =
        [
            new() { NodeLifetime = TimeSpan.Zero }, new() { AuthorityLifetime = TimeSpan.FromDays(40000) }, new() { MaxNodes = 0 },
            new() { MaxNodes = RevocationList.MaxEntries + 1 }, new() { MaxCertificatesPerNode = 0 },
        ];
        foreach (var options in bad)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => RealmAuthority.Create(RealmName.Parse("r"), _realm.Scheme, _realm.Random, TestRealm.Start, options));
        }
    }

    [Fact]
    public void LongestRevocationListFitsDocumentAndFile()
    {
        using var realm = new TestRealm(4, KeyedHashScheme.Instance, new AuthorityOptions { MaxNodes = 300 });
        for (var index = 0; index < 300; index++)
        {
            realm.Issue($"node-{index}");
        }

        for (var index = 0; index < 300; index++)
        {
            realm.Authority.Revoke(NodeName.Parse($"node-{index}"), TestRealm.Start, RevocationReason.CessationOfOperation);
        }

        // What 300 lines take shows what the most lines would take.
        var list = realm.Authority.Realm.Revocations!;
        Assert.Equal(300, list.Entries.Count);
        const int Factor = RevocationList.MaxEntries / 300 + 1;
        Assert.InRange(list.Document.Content.Length * Factor, 1, SignedDocument.MaxContentBytes);
        Assert.InRange(realm.Authority.Realm.ToUtf8().Length * Factor, 1, RealmFile.MaxBytes);
        Assert.Equal(300, RealmFile.Parse(realm.Authority.Realm.ToUtf8(), "memory", realm.Scheme).Revocations!.Entries.Count);
    }
}
