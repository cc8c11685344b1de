using System.Text;
using System.Text.Json.Nodes;
using Macula.Identity.Files;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/01-identity.md §5 [ID-22]: what every member gets.</summary>
public sealed class RealmFileTests : IDisposable
{
    private readonly TestRealm _realm = new();
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _realm.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void FileComesBackAsItWasWritten()
    {
        _realm.Issue("node-1");
        _realm.Authority.Revoke(NodeName.Parse("node-1"), TestRealm.Start, RevocationReason.KeyCompromise);
        _realm.Authority.SetBootstraps([BootstrapAddress.Parse("mesh.example.org:9443"), BootstrapAddress.Parse("[2001:db8::7]:9443")]);
        _realm.Authority.RotateKey(_realm.Random, TestRealm.Start);
        _realm.Authority.Realm.Save(_directory["realm.json"]);

        var read = RealmFile.Load(_directory["realm.json"], _realm.Scheme);

        Assert.Equal(_realm.Authority.Realm.Id, read.Id);
        Assert.Equal("test.example.org", read.Name.Value);
        Assert.Equal(2, read.Authorities.Count);
        Assert.Equal(["mesh.example.org:9443", "[2001:db8::7]:9443"], read.Bootstraps.Select(address => address.ToString()));
        Assert.Equal(1, read.Policy!.Sequence);
        Assert.Equal(RealmPolicy.FirstRules.Count, read.Policy.Rules.Count);
        Assert.Equal(RevocationReason.KeyCompromise, Assert.Single(read.Revocations!.Entries).Reason);
        Assert.Equal(_realm.Authority.Realm.ToUtf8(), read.ToUtf8());
    }

    [Fact]
    public void FileHoldsNoSecret()
    {
        _realm.Authority.Realm.Save(_directory["realm.json"]);
        Assert.DoesNotContain("PRIVATE", File.ReadAllText(_directory["realm.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void FileWithoutPolicyAndListIsReadAsSuch()
    {
        var read = Parse(Edited(json =>
        {
            json["policy"] = null;
            json["revocations"] = null;
        }));
        Assert.Null(read.Policy);
        Assert.Null(read.Revocations);
    }

    [Fact]
    public void FieldOfANewerVersionIsPassedOver() => Parse(Edited(json => json["colour"] = "green"));

    public static TheoryData<string, string> Damages => new()
    {
        { "format", "format 2" }, { "name", "realm name" }, { "id", "hash of its first" }, { "id-short", "realm id" }, { "no-authority", "1 to 8" },
        { "nine-authorities", "1 to 8" }, { "garbage-authority", "none" }, { "stranger-authority", "did not sign" }, { "twice", "did not sign" },
        { "bootstrap", "host:port" }, { "bootstraps", "more than 32" }, { "policy-content", "policy" }, { "policy-sequence", "policy" },
        { "policy-signature", "policy" }, { "policy-as-revocations", "revocation list" }, { "stranger-policy", "policy" }, { "sequence-zero", "policy" },
        { "missing-field", "bootstraps" }, { "duplicate", "is not what it should be" }, { "null-name", "is not what it should be" },
        { "null-authority", "none" }, { "null-bootstrap", "host:port" }, { "null-signature", "is not what it should be" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void DamagedFileIsRefusedWithFileReasonAndCure(string damage, string reason)
    {
        using var stranger = new TestRealm(2);
        var bytes = Damage(damage, stranger);
        File.WriteAllBytes(_directory["realm.json"], bytes);

        var exception = Assert.Throws<IdentityFileException>(() => RealmFile.Load(_directory["realm.json"], _realm.Scheme));

        Assert.Equal(FileFault.Malformed, exception.Fault);
        Assert.StartsWith(_directory["realm.json"], exception.Message, StringComparison.Ordinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Matches("(Get the realm file again|Use the version)", exception.Message);
    }

    [Fact]
    public void MissingLargeAndUnreadableFilesAreRefused()
    {
        Assert.Equal(FileFault.Missing, Assert.Throws<IdentityFileException>(() => RealmFile.Load(_directory["none"], _realm.Scheme)).Fault);
        Assert.Equal(FileFault.Missing, Assert.Throws<IdentityFileException>(() => RealmFile.Load(_directory["no/where"], _realm.Scheme)).Fault);
        Directory.CreateDirectory(_directory["directory"]);
        Assert.Equal(FileFault.Unreadable, Assert.Throws<IdentityFileException>(() => RealmFile.Load(_directory["directory"], _realm.Scheme)).Fault);
        File.WriteAllBytes(_directory["large"], new byte[RealmFile.MaxBytes + 1]);
        Assert.Equal(FileFault.Malformed, Assert.Throws<IdentityFileException>(() => RealmFile.Load(_directory["large"], _realm.Scheme)).Fault);
    }

    [Fact]
    public void TruncatedFileIsRefusedAtEveryByte()
    {
        var bytes = _realm.Authority.Realm.ToUtf8();
        for (var length = 0; length < bytes.Length - 2; length++)
        {
            Assert.Throws<IdentityFileException>(() => Parse(bytes[..length]));
        }
    }

    [Fact] // [ID-12]
    public void NextAuthorityCountsOnlyWhenTheKeyBeforeSignedIt()
    {
        using var next = _realm.NewKey();
        var raw = RawCertificate.OfAuthority(_realm, next);
        byte[] With(byte[] der) => Edited(json => json["authorities"]!.AsArray().Add(Convert.ToBase64String(der)));

        Assert.Equal(2, Parse(With(raw.Sign(_realm.AuthorityKey, _realm.Scheme))).Authorities.Count);
        Assert.Throws<IdentityFileException>(() => Parse(With(raw.Sign(next, _realm.Scheme))));
    }

    [Fact] // [ID-12]
    public void FirstAuthorityCountsOnlyWhenItSignedItself()
    {
        using var stranger = _realm.NewKey();
        var raw = RawCertificate.OfAuthority(_realm, _realm.AuthorityKey);
        byte[] With(byte[] der) => Edited(json => json["authorities"] = new JsonArray(Convert.ToBase64String(der)));

        Assert.Single(Parse(With(raw.Sign(_realm.AuthorityKey, _realm.Scheme))).Authorities);
        Assert.Throws<IdentityFileException>(() => Parse(With(raw.Sign(stranger, _realm.Scheme))));
    }

    [Fact]
    public void SeededMutationsAreRefusedOrProveTheSameRealm()
    {
        const ulong Seed = 20261121;
        const int Mutations = 20_000;
        using var realm = new TestRealm(8, KeyedHashScheme.Instance);
        var random = new SeededRandom(Seed);
        var good = realm.Authority.Realm.ToUtf8();
        var refused = 0;
        for (var round = 0; round < Mutations; round++)
        {
            var bytes = good.ToList();
            for (var change = random.Next(3); change >= 0; change--)
            {
                var position = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0:
                        bytes[position] = (byte)random.Next(256);
                        break;
                    case 1:
                        bytes.Insert(position, (byte)random.Next(256));
                        break;
                    case 2:
                        bytes.InsertRange(position, Encoding.ASCII.GetBytes(new[] { "null", "{}", "[", "\\ud800", "1e9", "\"" }[random.Next(6)]));
                        break;
                    default:
                        bytes.RemoveRange(position, Math.Min(1 + random.Next(20), bytes.Count - position));
                        break;
                }
            }

            try
            {
                var read = RealmFile.Parse(bytes.ToArray(), "mutated", realm.Scheme);
                // What proves itself is as it was; name and addresses may differ.
                Assert.Equal(realm.Authority.Realm.Id, read.Id);
                Assert.True(read.Policy is null || read.Policy.Document.Content == realm.Authority.Realm.Policy!.Document.Content);
            }
            catch (IdentityFileException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, Mutations / 2, Mutations);
    }

    [Fact] // [ID-21]
    public void LowerNumberNeverReplacesAHigherOne()
    {
        var first = _realm.Authority.Realm;
        _realm.Authority.SignPolicy([]);
        var second = _realm.Authority.Realm;

        Assert.True(first.TryAdopt(DocumentKind.Policy, second.Policy!.Document, out var newer, out _));
        Assert.Equal(2, newer.Policy!.Sequence);
        Assert.False(second.TryAdopt(DocumentKind.Policy, first.Policy!.Document, out _, out var fault));
        Assert.Contains("not higher than 2", fault, StringComparison.Ordinal);
        Assert.True(second.TryAdopt(DocumentKind.Policy, second.Policy.Document, out var same, out _));
        Assert.Same(second, same);
    }

    [Fact] // [ID-21]
    public void SameNumberWithOtherContentIsRefused()
    {
        var held = _realm.Authority.Realm;
        using var other = new TestRealm(9);
        var forged = held.Policy!.Document with { Content = held.Policy.Document.Content + " " };
        Assert.False(held.TryAdopt(DocumentKind.Policy, forged, out _, out _));
    }

    [Fact] // [ID-20]
    public void DocumentOfOneRealmKindOrNumberIsNoneOfAnother()
    {
        var bare = Parse(Edited(json =>
        {
            json["policy"] = null;
            json["revocations"] = null;
        }));
        using var stranger = new TestRealm(2);
        var policy = _realm.Authority.Realm.Policy!.Document;
        Assert.True(bare.TryAdopt(DocumentKind.Policy, policy, out _, out _));
        Assert.False(bare.TryAdopt(DocumentKind.Revocations, policy, out _, out _));
        Assert.False(bare.TryAdopt(DocumentKind.Policy, policy with { Sequence = 2 }, out _, out _));
        Assert.False(bare.TryAdopt(DocumentKind.Policy, policy with { Content = policy.Content + " " }, out _, out _));
        Assert.False(bare.TryAdopt(DocumentKind.Policy, policy with { Signature = new byte[64] }, out _, out _));
        Assert.False(bare.TryAdopt(DocumentKind.Policy, policy with { Signature = ReadOnlyMemory<byte>.Empty }, out _, out _));
        Assert.False(bare.TryAdopt(DocumentKind.Policy, stranger.Authority.Realm.Policy!.Document, out _, out _));
    }

    [Theory]
    [InlineData("mesh.example.org:9443", "mesh.example.org:9443")]
    [InlineData("LOCALHOST:1", "localhost:1")]
    [InlineData("192.0.2.7:65535", "192.0.2.7:65535")]
    [InlineData("[2001:DB8:0::7]:9443", "[2001:db8::7]:9443")]
    public void BootstrapAddressIsHostAndPort(string text, string written) => Assert.Equal(written, BootstrapAddress.Parse(text).ToString());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData(":9443")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:+1")]
    [InlineData("host: 1")]
    [InlineData("ho st:1")]
    [InlineData("-host:1")]
    [InlineData("300.1.1.1:1")]
    [InlineData("1.2:1")]
    [InlineData("2001:db8::7:9443")]
    [InlineData("[192.0.2.7]:1")]
    [InlineData("[fe80::1%eth0]:1")]
    [InlineData("https://host:1")]
    public void OtherBootstrapAddressesAreRefused(string? text) => Assert.False(BootstrapAddress.TryParse(text, out _));

    private RealmFile Parse(byte[] bytes) => RealmFile.Parse(bytes, "realm.json", _realm.Scheme);

    private byte[] Edited(Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(_realm.Authority.Realm.ToUtf8())!.AsObject();
        edit(json);
        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    private byte[] Damage(string damage, TestRealm stranger)
    {
        JsonObject Other() => JsonNode.Parse(stranger.Authority.Realm.ToUtf8())!.AsObject();
        JsonNode First(JsonObject json) => json["authorities"]![0]!;
        if (damage == "duplicate")
        {
            var text = Encoding.UTF8.GetString(_realm.Authority.Realm.ToUtf8());
            return Encoding.UTF8.GetBytes(text.Replace("\"format\": 1,", "\"format\": 1, \"format\": 1,", StringComparison.Ordinal));
        }

        return Edited(json =>
        {
            Action edit = damage switch
            {
                "format" => () => json["format"] = 2,
                "name" => () => json["name"] = "Upper",
                "null-name" => () => json["name"] = null,
                "null-authority" => () => json["authorities"] = new JsonArray((JsonNode?)null),
                "null-bootstrap" => () => json["bootstraps"] = new JsonArray((JsonNode?)null),
                "null-signature" => () => json["policy"]!["signature"] = null,
                "id" => () => json["id"] = new string('0', 32),
                "id-short" => () => json["id"] = "0",
                "no-authority" => () => json["authorities"] = new JsonArray(),
                "nine-authorities" => () => json["authorities"] = new JsonArray([.. Enumerable.Range(0, 9).Select(_ => First(json).DeepClone())]),
                "garbage-authority" => () => json["authorities"] = new JsonArray("AAAA"),
                "stranger-authority" => () => json["authorities"]!.AsArray().Add(First(Other()).DeepClone()),
                "twice" => () => json["authorities"]!.AsArray().Add(First(json).DeepClone()),
                "bootstrap" => () => json["bootstraps"] = new JsonArray("nowhere"),
                "bootstraps" => () => json["bootstraps"] = new JsonArray([.. Enumerable.Range(0, 33).Select(_ => (JsonNode)"a:1")]),
                "policy-content" => () => json["policy"]!["content"] = json["policy"]!["content"]!.GetValue<string>().Replace("peer", "gateway", StringComparison.Ordinal),
                "policy-sequence" => () => json["policy"]!["sequence"] = 2,
                "sequence-zero" => () => json["policy"]!["sequence"] = 0,
                "policy-signature" => () => json["policy"]!["signature"] = Convert.ToBase64String(new byte[64]),
                "policy-as-revocations" => () => json["revocations"] = json["policy"]!.DeepClone(),
                "stranger-policy" => () => json["policy"] = Other()["policy"]!.DeepClone(),
                "missing-field" => () => json.Remove("bootstraps"),
                _ => throw new ArgumentException(damage),
            };
            edit();
        });
    }
}
