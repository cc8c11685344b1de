using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using Macula.Identity.Trust;
using Macula.Wire.Time;

namespace Macula.Identity.Tests;

/// <summary>tests/vectors/certificate.json: one realm with one node, for implementations in any language. The checks use the platform's cryptography, not ours.</summary>
public sealed class CertificateVectorTests(ITestOutputHelper output)
{
    private readonly JsonNode _vector =
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "certificate.json")))!;

    [Fact] // [ID-1], [ID-3], [ID-4]
    public void IdsAndSaltFollowFromTheKeys()
    {
        var authority = Bytes("authority_public_key");
        var node = Bytes("node_public_key");
        var salt = HMACSHA256.HashData(Bytes("salt_secret"), node)[..16];
        Assert.Equal(Text("realm_id"), Convert.ToHexStringLower(SHA256.HashData(authority)[..16]));
        Assert.Equal(Text("salt"), Convert.ToHexStringLower(salt));
        Assert.Equal(Text("node_id"), Convert.ToHexStringLower(SHA256.HashData([.. salt, .. node])[..20]));
    }

    [Fact] // [ID-7] to [ID-11]
    public void CertificateIsReadAndAccepted()
    {
        var realm = Realm();
        var judge = new CertificateJudge(new RealmTrust(realm));
        var verdict = judge.Judge([Bytes("certificate")], new WallTime(_vector["not_before"]!.GetValue<long>()));
        var identity = Assert.IsType<Verdict.Accepted>(verdict).Identity;
        Assert.Equal(Text("realm_id"), identity.RealmId.ToString());
        Assert.Equal(Text("node_id"), identity.NodeId.ToString());
        Assert.Equal(Text("node_name"), identity.Name.Value);
        Assert.Equal((NodeRoles)_vector["roles"]!.GetValue<int>(), identity.Roles);
        Assert.Equal(Text("serial"), identity.Serial.ToString());
        Assert.Equal(_vector["not_after"]!.GetValue<long>(), identity.NotAfter.UnixMilliseconds);
        Assert.Equal(Text("certificate_sha256"), identity.CertificateHash.ToString());
        Assert.Equal(Text("node_public_key"), Convert.ToHexStringLower(identity.SubjectPublicKeyInfo.Span));
    }

    [Theory] // [ID-20]
    [InlineData("policy", "macula policy v1")]
    [InlineData("revocations", "macula revocations v1")]
    public void DocumentsAreSignedOverContextRealmNumberAndContent(string field, string context)
    {
        var document = _vector["realm_file"]![field]!;
        var number = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, document["sequence"]!.GetValue<long>());
        byte[] message = [.. Encoding.UTF8.GetBytes(context), 0, .. Bytes("realm_id"), .. number, .. Encoding.UTF8.GetBytes(document["content"]!.GetValue<string>())];
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Bytes("authority_public_key"), out _);
        Assert.True(key.VerifyData(message, document["signature"]!.GetValue<string>() is { } text ? Convert.FromBase64String(text) : [], HashAlgorithmName.SHA256));
    }

    [Fact]
    public void RevokedNodeOfTheVectorIsRevoked()
    {
        var realm = Realm();
        Assert.Equal(Text("revoked_node_id"), Assert.Single(realm.Revocations!.Entries).Node.ToString());
        Assert.Equal(2, realm.Policy!.Rules.Count);
    }

    [Fact(Explicit = true)] // writes a new vector to the output; only for a change of the format
    public void PrintNewVector()
    {
        var secret = new byte[32];
        new SeededRandom(1).Fill(secret);
        using var realm = new TestRealm();
        using var key = realm.NewKey();
        var revoked = realm.Issue("lost-node");
        realm.Authority.Revoke(NodeName.Parse("lost-node"), TestRealm.Start, RevocationReason.KeyCompromise);
        realm.Authority.SetBootstraps([BootstrapAddress.Parse("mesh.example.org:9443")]);
        var certificate = realm.Issue("sensor-7", NodeRoles.Peer | NodeRoles.Gateway, key);
        var identity = certificate.Identity;
        output.WriteLine(new JsonObject
        {
            ["about"] = "docs/protocol/01-identity.md: binary values in lower-case hex, times in Unix milliseconds, realm_file as it stands on disk.",
            ["salt_secret"] = Convert.ToHexStringLower(secret),
            ["authority_public_key"] = Convert.ToHexStringLower(realm.AuthorityKey.SubjectPublicKeyInfo.Span),
            ["realm_id"] = identity.RealmId.ToString(),
            ["node_public_key"] = Convert.ToHexStringLower(key.SubjectPublicKeyInfo.Span),
            ["salt"] = Convert.ToHexStringLower(certificate.Salt.Span),
            ["node_id"] = identity.NodeId.ToString(),
            ["node_name"] = identity.Name.Value,
            ["roles"] = (int)identity.Roles,
            ["serial"] = identity.Serial.ToString(),
            ["not_before"] = identity.NotBefore.UnixMilliseconds,
            ["not_after"] = identity.NotAfter.UnixMilliseconds,
            ["certificate"] = Convert.ToHexStringLower(certificate.Der.Span),
            ["certificate_sha256"] = identity.CertificateHash.ToString(),
            ["revoked_node_id"] = revoked.Identity.NodeId.ToString(),
            ["realm_file"] = JsonNode.Parse(realm.Authority.Realm.ToUtf8()),
        }.ToJsonString(new System.Text.Json.JsonSerializerOptions
        {
            WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }));
    }

    private RealmFile Realm() => RealmFile.Parse(Encoding.UTF8.GetBytes(_vector["realm_file"]!.ToJsonString()), "vector", EcdsaP256Scheme.Instance);

    private string Text(string field) => _vector[field]!.GetValue<string>();

    private byte[] Bytes(string field) => Convert.FromHexString(Text(field));
}
