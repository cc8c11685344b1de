using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Tests;

/// <summary>[ID-24], [ID-25]: an authority on disk comes back as it was, or not at all.</summary>
public sealed class AuthorityStoreTests : IDisposable
{
    private static readonly EcdsaP256Scheme Scheme = EcdsaP256Scheme.Instance;

    private readonly SeededRandom _random = new(1);
    private readonly TemporaryDirectory _directory = new();
    private readonly SigningKey _key = Scheme.CreateKey(new SeededRandom(2));

    private string Home => _directory["authority"];

    public void Dispose()
    {
        _key.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void AuthorityComesBackWithKeySaltAndLedger()
    {
        RealmId id;
        NodeId node;
        using (var store = Create())
        {
            id = store.Authority.Realm.Id;
            node = Issue(store, "node-1").Identity.NodeId;
            store.Save();
        }

        using var again = AuthorityStore.Open(Home, Scheme);
        Assert.Equal(id, again.Authority.Realm.Id);
        Assert.Equal(node, again.Authority.IdOf(_key.SubjectPublicKeyInfo.Span));
        Assert.Equal("node-1", Assert.Single(again.Authority.Issued).Name.Value);
        Assert.Throws<AuthorityException>(() => Issue(again, "node-1", Scheme.CreateKey(_random)));
        Assert.Equal(node, Issue(again, "node-1").Identity.NodeId);
        Assert.Equal(id, RealmFile.Load(again.RealmFilePath, Scheme).Id);
    }

    [Fact]
    public void RevocationComesBack()
    {
        using (var store = Create())
        {
            Issue(store, "node-1");
            store.Authority.Revoke(NodeName.Parse("node-1"), TestRealm.Start, RevocationReason.KeyCompromise);
            store.Save();
        }

        using var again = AuthorityStore.Open(Home, Scheme);
        Assert.Equal(2, again.Authority.Realm.Revocations!.Sequence);
        Assert.Throws<AuthorityException>(() => Issue(again, "node-1"));
        Issue(again, "node-1", Scheme.CreateKey(_random));
    }

    [Fact]
    public void RotatedKeyComesBackAndTheOldOneStaysOnDisk()
    {
        using (var store = Create())
        {
            store.Authority.RotateKey(_random, TestRealm.Start);
            store.Save();
        }

        using var again = AuthorityStore.Open(Home, Scheme);
        Assert.Equal(2, again.Authority.Realm.Authorities.Count);
        Issue(again, "node-1");
        Assert.Equal(2, Directory.GetFiles(Home, "*.key").Length);
    }

    [Fact]
    public void SecretsAreOpenToTheirOwnerAlone()
    {
        Create().Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, FileModes.Of(Home));
        foreach (var path in Secrets())
        {
            Assert.Equal(FileModes.OwnerOnly, FileModes.Of(path));
        }
    }

    [Fact]
    public void SecretOpenToOthersIsRefused()
    {
        Create().Dispose();
        foreach (var path in Secrets())
        {
            FileModes.Set(path, FileModes.OwnerOnly | UnixFileMode.GroupRead);
            var exception = Assert.Throws<IdentityFileException>(() => AuthorityStore.Open(Home, Scheme));
            Assert.Equal((FileFault.PermissionsTooOpen, path), (exception.Fault, exception.Path));
            FileModes.Set(path, FileModes.OwnerOnly);
        }

        AuthorityStore.Open(Home, Scheme).Dispose();
    }

    [Fact]
    public void MissingOrDamagedFileIsNamedAndNeverMadeAnew()
    {
        Create().Dispose();
        foreach (var path in Secrets().Append(Path.Combine(Home, "realm.json")))
        {
            var content = File.ReadAllBytes(path);
            File.WriteAllBytes(path, "damaged"u8);
            var damaged = Assert.Throws<IdentityFileException>(() => AuthorityStore.Open(Home, Scheme));
            Assert.Equal((FileFault.Malformed, path), (damaged.Fault, damaged.Path));

            File.Move(path, path + ".away");
            var missing = Assert.Throws<IdentityFileException>(() => AuthorityStore.Open(Home, Scheme));
            Assert.Equal((FileFault.Missing, path), (missing.Fault, missing.Path));
            Assert.False(File.Exists(path));
            File.Move(path + ".away", path);
            File.WriteAllBytes(path, content);
        }

        AuthorityStore.Open(Home, Scheme).Dispose();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"format\":2,\"issued\":[]}")]
    [InlineData("{\"format\":1,\"issued\":[null]}")]
    [InlineData("{\"format\":1,\"issued\":[{\"name\":\"A\",\"node\":\"\",\"serial\":\"\",\"not_after\":1}]}")]
    public void LedgerThatIsNoneIsRefused(string ledger)
    {
        Create().Dispose();
        File.WriteAllText(Path.Combine(Home, "ledger.json"), ledger);
        Assert.Equal(FileFault.Malformed, Assert.Throws<IdentityFileException>(() => AuthorityStore.Open(Home, Scheme)).Fault);
    }

    [Fact]
    public void KeyOfAnotherRealmIsRefused()
    {
        Create().Dispose();
        using (var other = AuthorityStore.Create(_directory["other"], NewAuthority()))
        {
        }

        var key = Assert.Single(Directory.GetFiles(Home, "*.key"));
        File.Move(Assert.Single(Directory.GetFiles(_directory["other"], "*.key")), key, overwrite: true);
        Assert.Equal(FileFault.KeyMismatch, Assert.Throws<IdentityFileException>(() => AuthorityStore.Open(Home, Scheme)).Fault);
    }

    [Fact]
    public void AuthorityIsNeverOverwritten()
    {
        Create().Dispose();
        using var authority = NewAuthority();
        Assert.Equal(FileFault.AlreadyExists, Assert.Throws<IdentityFileException>(() => AuthorityStore.Create(Home, authority)).Fault);
        AuthorityStore.Open(Home, Scheme).Dispose();
    }

    [Fact]
    public void OneProcessAtATimeWorksWithAnAuthority()
    {
        using (Create())
        {
            Assert.Equal(FileFault.InUse, Assert.Throws<IdentityFileException>(() => AuthorityStore.Open(Home, Scheme)).Fault);
        }

        AuthorityStore.Open(Home, Scheme).Dispose();
    }

    [Fact]
    public void SaveLeavesNoDraftsBehind()
    {
        using var store = Create();
        store.Save();
        store.Save();
        Assert.Equal(5, Directory.GetFiles(Home).Length);
    }

    private string[] Secrets() => [.. Directory.GetFiles(Home, "*.key"), Path.Combine(Home, "salt.secret"), Path.Combine(Home, "ledger.json")];

    private RealmAuthority NewAuthority() => RealmAuthority.Create(RealmName.Parse("test"), Scheme, _random, TestRealm.Start);

    private AuthorityStore Create() => AuthorityStore.Create(Home, NewAuthority());

    private Certificates.NodeCertificate Issue(AuthorityStore store, string name, SigningKey? key = null) => store.Authority.Issue(
        new NodeCertificateRequest(NodeName.Parse(name), NodeRoles.Peer, (key ?? _key).SubjectPublicKeyInfo), _random, TestRealm.Start);
}
