using System.Security.Cryptography;
using Macula.Identity.Credentials;
using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using Macula.Wire.Time;

namespace Macula.Identity.Tests;

/// <summary>[ID-24], [ID-25]: a key or certificate file that cannot be used gets an error that says which and what to do, never a new identity.</summary>
public sealed class NodeCredentialsTests : IDisposable
{
    private readonly TestRealm _realm = new();
    private readonly TemporaryDirectory _directory = new();

    private string CertificatePath => _directory["node.pem"];

    private string KeyPath => _directory["node.key"];

    public void Dispose()
    {
        _realm.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void CredentialsComeBackAsTheyWereWritten()
    {
        using var saved = Save();
        using var loaded = Load();
        Assert.Equal(saved.Identity.NodeId, loaded.Identity.NodeId);
        Assert.Equal(saved.Certificate.Der.ToArray(), loaded.Certificate.Der.ToArray());
        Assert.True(_realm.Scheme.Verify(saved.Identity.SubjectPublicKeyInfo.Span, [1], loaded.Key.Sign([1])));
    }

    [Fact]
    public void CertificateMayBeDer()
    {
        using var saved = Save();
        File.WriteAllBytes(CertificatePath, saved.Certificate.Der.Span);
        using var loaded = Load();
        Assert.Equal(saved.Identity.NodeId, loaded.Identity.NodeId);
    }

    [Fact]
    public void KeyFileIsOpenToItsOwnerAlone()
    {
        Save().Dispose();
        Assert.Equal(FileModes.OwnerOnly, FileModes.Of(KeyPath));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherExecute)]
    public void KeyFileOpenToOthersIsRefused(UnixFileMode mode)
    {
        Save().Dispose();
        FileModes.Set(KeyPath, FileModes.OwnerOnly | mode);
        Refuse(FileFault.PermissionsTooOpen, KeyPath, "chmod 600");
    }

    [Fact]
    public void NothingIsOverwritten()
    {
        Save().Dispose();
        var (certificate, key) = (File.ReadAllBytes(CertificatePath), File.ReadAllBytes(KeyPath));
        using var other = NewCredentials("node-2");
        Assert.Equal(FileFault.AlreadyExists, Assert.Throws<IdentityFileException>(() => other.Save(CertificatePath, _directory["new.key"])).Fault);
        Assert.Equal(FileFault.AlreadyExists, Assert.Throws<IdentityFileException>(() => other.Save(_directory["new.pem"], KeyPath)).Fault);
        Assert.Equal(certificate, File.ReadAllBytes(CertificatePath));
        Assert.Equal(key, File.ReadAllBytes(KeyPath));
        Assert.Equal(2, Directory.GetFiles(Path.GetDirectoryName(KeyPath)!).Length);
    }

    [Fact]
    public void RenewedCertificateReplacesTheOldOneForTheSameKey()
    {
        using var saved = Save();
        var renewed = _realm.Issue("node-1", key: saved.Key, now: TestRealm.Start + TimeSpan.FromDays(60));
        new NodeCredentials(renewed, saved.Key).SaveCertificate(CertificatePath);
        using var loaded = Load(TestRealm.Start + TimeSpan.FromDays(100));
        Assert.Equal(saved.Identity.NodeId, loaded.Identity.NodeId);
    }

    [Fact]
    public void MissingFilesAreNamedAndNothingIsMadeInTheirPlace()
    {
        Refuse(FileFault.Missing, CertificatePath, "macula cert issue");
        Save().Dispose();
        File.Delete(KeyPath);
        Refuse(FileFault.Missing, KeyPath, "backup");
        Assert.False(File.Exists(KeyPath));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(KeyPath)!));
    }

    [Fact]
    public void UnreadableFileIsNamed()
    {
        // The account that runs the tests may be root, which reads everything but a directory.
        Directory.CreateDirectory(CertificatePath);
        Refuse(FileFault.Unreadable, CertificatePath, "Let the account");
    }

    [Fact]
    public void CertificateOfAnotherRealmIsRefused()
    {
        using var other = new TestRealm(2);
        Save(other).Dispose();
        Refuse(FileFault.WrongRealm, CertificatePath, "same realm");
    }

    [Fact]
    public void CertificateOfAnotherAuthorityIsRefused()
    {
        using var forger = _realm.NewKey();
        Save().Dispose();
        File.WriteAllBytes(CertificatePath, RawCertificate.OfNode(_realm).Sign(forger, _realm.Scheme));
        Refuse(FileFault.Untrusted, CertificatePath, "issued by the authority");
    }

    [Fact]
    public void ExpiredAndFutureCertificatesAreRefused()
    {
        Save().Dispose();
        Refuse(FileFault.Expired, CertificatePath, "renewed", TestRealm.Start + TimeSpan.FromDays(91));
        Refuse(FileFault.NotYetValid, CertificatePath, "clock", TestRealm.Start + TimeSpan.FromDays(-1));
    }

    [Fact]
    public void RevokedCertificateIsRefused()
    {
        Save().Dispose();
        _realm.Authority.Revoke(NodeName.Parse("node-1"), TestRealm.Start, RevocationReason.KeyCompromise);
        Refuse(FileFault.Revoked, CertificatePath, "new key");
    }

    [Fact]
    public void KeyOfAnotherCertificateIsRefused()
    {
        Save().Dispose();
        using var other = NewCredentials("node-2");
        other.Save(_directory["other.pem"], _directory["other.key"]);
        File.Move(_directory["other.key"], KeyPath, overwrite: true);
        Refuse(FileFault.KeyMismatch, KeyPath, "issued together");
        Assert.Throws<ArgumentException>(() => new NodeCredentials(_realm.Issue("node-3"), other.Key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void DamagedKeyFileIsRefused(string content)
    {
        Save().Dispose();
        // Written into the file that is there, so that its mode stays.
        File.WriteAllText(KeyPath, content);
        Refuse(FileFault.Malformed, KeyPath, "pkcs8");
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")]
    [InlineData("0garbage that begins as DER does")]
    public void DamagedCertificateFileIsRefused(string content)
    {
        Save().Dispose();
        File.WriteAllText(CertificatePath, content);
        Refuse(FileFault.Malformed, CertificatePath, "node's certificate");
    }

    [Fact]
    public void KeyOfAnotherCurveOrKindIsRefused()
    {
        Save().Dispose();
        using var rsa = RSA.Create(1024);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        foreach (var pkcs8 in new[] { rsa.ExportPkcs8PrivateKey(), p384.ExportPkcs8PrivateKey() })
        {
            File.WriteAllText(KeyPath, PemEncoding.WriteString("PRIVATE KEY", pkcs8));
            Refuse(FileFault.Malformed, KeyPath, "P-256");
        }
    }

    [Fact]
    public void TruncatedFilesAreRefusedAtEveryByte()
    {
        Save().Dispose();
        foreach (var path in new[] { KeyPath, CertificatePath })
        {
            var whole = File.ReadAllBytes(path);
            // The last byte is the line end.
            for (var length = 0; length < whole.Length - 1; length++)
            {
                File.WriteAllBytes(path, whole[..length]);
                Assert.Equal(FileFault.Malformed, Assert.Throws<IdentityFileException>(() => Load()).Fault);
            }

            File.WriteAllBytes(path, whole);
        }
    }

    [Fact]
    public void DirectoryThatIsNotThereCannotBeWritten()
    {
        using var credentials = NewCredentials("node-1");
        Assert.Equal(FileFault.Unwritable, Assert.Throws<IdentityFileException>(() => credentials.Save(_directory["no/where.pem"], _directory["no/where.key"])).Fault);
    }

    [Fact]
    public void OpenSslReadsTheKeyFile()
    {
        Save().Dispose();
        var (exitCode, output) = OpenSsl.Run("pkey", "-in", KeyPath, "-noout", "-text");
        Assert.True(exitCode == 0 && output.Contains("P-256", StringComparison.Ordinal), output);
    }

    private NodeCredentials NewCredentials(string name, TestRealm? realm = null)
    {
        SigningKey key = (realm ?? _realm).NewKey();
        return new NodeCredentials((realm ?? _realm).Issue(name, key: key), key);
    }

    private NodeCredentials Save(TestRealm? realm = null)
    {
        var credentials = NewCredentials("node-1", realm);
        credentials.Save(CertificatePath, KeyPath);
        return credentials;
    }

    private NodeCredentials Load(WallTime? now = null) => NodeCredentials.Load(CertificatePath, KeyPath, _realm.Trust, now ?? TestRealm.Start);

    private void Refuse(FileFault fault, string path, string cure, WallTime? now = null)
    {
        var exception = Assert.Throws<IdentityFileException>(() => Load(now));
        Assert.Equal(fault, exception.Fault);
        Assert.Equal(path, exception.Path);
        Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(cure, exception.Message, StringComparison.Ordinal);
    }
}
