using Macula.Identity.Certificates;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Identity.Records;
using Macula.Identity.Tests.Support;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/09-records.md [REC-7] to [REC-9].</summary>
public sealed class RecordVerifierTests : IDisposable
{
    private static readonly RecordContent Content = new RecordContent.Provider(ProcedureName.Parse("math.add"), 1, 0);

    private readonly TestRealm _realm = new();
    private readonly SigningKey _key;
    private readonly NodeCredentials _credentials;
    private readonly RecordVerifier _verifier;

    public RecordVerifierTests()
    {
        _key = _realm.NewKey();
        _credentials = new NodeCredentials(_realm.Issue("publisher", key: _key), _key);
        _verifier = new RecordVerifier(_realm.NewJudge());
    }

    public void Dispose()
    {
        _credentials.Dispose();
        _realm.Dispose();
    }

    [Fact]
    public void RecordOfItsPublisherIsAccepted() // [REC-7] [REC-8]
    {
        var record = Sign(_credentials);

        var accepted = Assert.IsType<RecordVerdict.Accepted>(Verify(record.Record, _credentials.Certificate));

        Assert.Equal(record, accepted.Record);
        Assert.Equal(_credentials.Identity.NodeId, accepted.Publisher.NodeId);
    }

    [Fact]
    public void RecordAsItCameFromTheWireIsAccepted()
    {
        Assert.True(SignedRecord.TryRead(Sign(_credentials).Record.Bytes, out var read, out _));

        Assert.IsType<RecordVerdict.Accepted>(Verify(read, _credentials.Certificate));
    }

    [Fact]
    public void ChangedRecordIsRefused() // [REC-7]
    {
        var record = Sign(_credentials).Record;
        var changed = SignedRecord.Join(record.Body with { Sequence = record.Body.Sequence + 1 }, record.Signature);

        AssertRefused(ErrorCode.RecordInvalid, "signature", changed, _credentials.Certificate);
    }

    [Fact]
    public void SignatureForSomethingElseIsRefused() // [REC-7]
    {
        var body = Sign(_credentials).Body;

        AssertRefused(ErrorCode.RecordInvalid, "signature", SignedRecord.Join(body, _key.Sign(body.Encode())), _credentials.Certificate);
    }

    [Fact]
    public void RecordInAnothersNameIsRefused() // [REC-8]
    {
        var victim = _realm.Issue("victim");
        var forged = Sign(_credentials).Body with { Publisher = victim.Identity.NodeId, Certificate = victim.Identity.CertificateHash };
        AssertRefused(ErrorCode.RecordInvalid, "signature", Resign(forged), victim);

        // With the forger's own certificate the id gives it away.
        var claimed = Sign(_credentials).Body with { Publisher = victim.Identity.NodeId };
        AssertRefused(ErrorCode.RecordInvalid, "another publisher", Resign(claimed), _credentials.Certificate);
    }

    [Fact]
    public void AnotherCertificateThanTheOneNamedIsRefused() => // [REC-8]
        AssertRefused(ErrorCode.RecordInvalid, "not the one", Sign(_credentials).Record, _realm.Issue("other"));

    [Fact]
    public void RecordOfAnotherRealmIsRefused() // [REC-8]
    {
        using var other = new TestRealm(seed: 2);
        var key = other.NewKey();
        using var foreign = new NodeCredentials(other.Issue("publisher", key: key), key);

        AssertRefused(ErrorCode.RecordInvalid, "another realm", Sign(foreign).Record, foreign.Certificate);

        // Naming this realm does not help: the certificate is another authority's.
        var body = Sign(foreign).Body with { Realm = _realm.Trust.RealmId };
        AssertRefused(ErrorCode.CertificateWrongRealm, "", SignedRecord.Join(body, key.Sign(SignedRecord.SignedMessageOf(body))), foreign.Certificate);
    }

    [Fact]
    public void RecordUnderAnExpiredCertificateIsRefused() // [REC-8]
    {
        var verdict = _verifier.Verify(Sign(_credentials).Record, _credentials.Certificate.Der, TestRealm.Start + TimeSpan.FromDays(1000));

        Assert.Equal(ErrorCode.CertificateExpired, Assert.IsType<RecordVerdict.Refused>(verdict).Code);
    }

    [Fact]
    public void PolicyIsAskedWhatThePublisherMayDo() // [REC-9]
    {
        var gatewayKey = _realm.NewKey();
        using var gateway = new NodeCredentials(_realm.Issue("gateway", NodeRoles.Gateway, gatewayKey), gatewayKey);
        var authorizer = new Authorizer(_realm.Trust.RealmId, _realm.Authority.Realm.Policy);
        var signer = new RecordSigner(gateway);
        var place = signer.Sign(new RecordContent.Node([], []), RecordState.Live, 7, TestRealm.Start, TimeSpan.FromMinutes(30));

        Assert.True(Accepted(Sign(_credentials), _credentials).Authorize(authorizer).IsAllowed);
        Assert.Equal(ErrorCode.NotPermitted, Accepted(Sign(gateway), gateway).Authorize(authorizer).Code);
        Assert.True(Accepted(place, gateway).Authorize(authorizer).IsAllowed);
    }

    [Fact]
    public void SubscriberNeedsPermissionForEachOfItsPatterns() // [REC-9] [POL-5]
    {
        Assert.True(PolicySubject.TryParse("any", out var anyone));
        var policy = _realm.Authority.SignPolicy([new PolicyRule([anyone], [MeshAction.Subscribe], [NamePattern.Parse("s.*"), NamePattern.Parse("s.a.**")])]);
        var authorizer = new Authorizer(_realm.Trust.RealmId, policy);

        Assert.True(MaySubscribe("s.*"));
        Assert.True(MaySubscribe("s.a.b.*", "s.a.b.**"));
        Assert.False(MaySubscribe("s.*", "s.**"));
        Assert.False(MaySubscribe("**"));

        bool MaySubscribe(params string[] patterns)
        {
            Assert.True(RecordContent.Subscriber.TryCreate(patterns.Select(TopicPattern.Parse), out var content));
            var record = new RecordSigner(_credentials).Sign(content, RecordState.Live, 7, TestRealm.Start, TimeSpan.FromMinutes(30));
            return Accepted(record, _credentials).Authorize(authorizer).IsAllowed;
        }
    }

    private RecordVerdict.Accepted Accepted(VerifiedRecord record, NodeCredentials publisher) =>
        Assert.IsType<RecordVerdict.Accepted>(Verify(record.Record, publisher.Certificate));

    private static VerifiedRecord Sign(NodeCredentials credentials) =>
        new RecordSigner(credentials).Sign(Content, RecordState.Live, 7, TestRealm.Start, TimeSpan.FromMinutes(30));

    private SignedRecord Resign(RecordBody body) => SignedRecord.Join(body, _key.Sign(SignedRecord.SignedMessageOf(body)));

    private RecordVerdict Verify(SignedRecord record, NodeCertificate certificate) => _verifier.Verify(record, certificate.Der, TestRealm.Start);

    private void AssertRefused(ErrorCode code, string reason, SignedRecord record, NodeCertificate certificate)
    {
        var refused = Assert.IsType<RecordVerdict.Refused>(Verify(record, certificate));
        Assert.Equal(code, refused.Code);
        Assert.Contains(reason, refused.Detail, StringComparison.Ordinal);
    }
}
