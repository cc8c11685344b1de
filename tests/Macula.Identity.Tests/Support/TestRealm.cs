using Macula.Identity.Certificates;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Wire;
using Macula.Wire.Time;

namespace Macula.Identity.Tests.Support;

/// <summary>A realm of real P-256 keys whose authority key the test can use for what no authority would sign.</summary>
public sealed class TestRealm : IDisposable
{
    public static readonly WallTime Start = WallTime.From(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));

    private readonly RecordingScheme _scheme;

    public TestRealm(ulong seed = 1, SignatureScheme? scheme = null, AuthorityOptions? options = null)
    {
        Random = new SeededRandom(seed);
        _scheme = new RecordingScheme(scheme ?? EcdsaP256Scheme.Instance);
        Authority = RealmAuthority.Create(RealmName.Parse("test.example.org"), _scheme, Random, Start, options);
        AuthorityKey = _scheme.Created[0];
    }

    public RandomSource Random { get; }

    public RealmAuthority Authority { get; }

    public SigningKey AuthorityKey { get; }

    public SignatureScheme Scheme => _scheme;

    public RealmTrust Trust => new(Authority.Realm);

    public CertificateJudge NewJudge() => new(Trust);

    public SigningKey NewKey() => _scheme.CreateKey(Random);

    public NodeCertificate Issue(string name, NodeRoles roles = NodeRoles.Peer, SigningKey? key = null, TimeSpan? lifetime = null, WallTime? now = null)
    {
        var request = new NodeCertificateRequest(NodeName.Parse(name), roles, (key ?? NewKey()).SubjectPublicKeyInfo) { Lifetime = lifetime };
        return Authority.Issue(request, Random, now ?? Start);
    }

    public Verdict Judge(ReadOnlyMemory<byte> der, WallTime? now = null) => NewJudge().Judge([der], now ?? Start);

    public void Dispose() => Authority.Dispose();

    private sealed class RecordingScheme(SignatureScheme inner) : SignatureScheme
    {
        public List<SigningKey> Created { get; } = [];

        public override ReadOnlyMemory<byte> AlgorithmIdentifier => inner.AlgorithmIdentifier;

        public override SigningKey CreateKey(RandomSource random)
        {
            Created.Add(inner.CreateKey(random));
            return Created[^1];
        }

        public override SigningKey ImportPrivateKey(ReadOnlySpan<byte> pkcs8) => inner.ImportPrivateKey(pkcs8);

        public override bool AcceptsPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) => inner.AcceptsPublicKey(subjectPublicKeyInfo);

        public override bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
            inner.Verify(subjectPublicKeyInfo, message, signature);

        public override byte[] EncodeForCertificate(ReadOnlySpan<byte> signature) => inner.EncodeForCertificate(signature);

        public override bool TryDecodeFromCertificate(ReadOnlySpan<byte> encoded, Span<byte> signature) => inner.TryDecodeFromCertificate(encoded, signature);
    }
}
