using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Macula.Identity.Certificates;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using Macula.Identity.Trust;
using Macula.Wire.Errors;
using Macula.Wire.Time;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/01-identity.md §4: who is let in, and what everybody else gets.</summary>
public sealed class CertificateJudgeTests : IDisposable
{
    private readonly TestRealm _realm = new();

    public void Dispose() => _realm.Dispose();

    [Fact]
    public void IssuedCertificateIsAcceptedAndSaysWhoTheNodeIs()
    {
        var key = _realm.NewKey();
        var certificate = _realm.Issue("sensor-7.hall_2", NodeRoles.Peer | NodeRoles.Gateway, key);

        var identity = Accept(_realm.Judge(certificate.Der));

        Assert.Equal("sensor-7.hall_2", identity.Name.Value);
        Assert.Equal(NodeRoles.Peer | NodeRoles.Gateway, identity.Roles);
        Assert.Equal(_realm.Authority.Realm.Id, identity.RealmId);
        Assert.Equal(_realm.Authority.IdOf(key.SubjectPublicKeyInfo.Span), identity.NodeId);
        Assert.Equal(key.SubjectPublicKeyInfo.ToArray(), identity.SubjectPublicKeyInfo.ToArray());
        Assert.Equal(TestRealm.Start, identity.NotBefore);
        Assert.Equal(TimeSpan.FromDays(90), identity.NotAfter - identity.NotBefore);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(certificate.Der.Span)), identity.CertificateHash.ToString());
    }

    [Fact]
    public void HandMadeCertificateOfTheProfileIsAccepted()
    {
        // Without this, the refusals below could all have one wrong reason.
        Accept(_realm.Judge(RawCertificate.OfNode(_realm).Sign(_realm.AuthorityKey, _realm.Scheme)));
    }

    [Fact]
    public void AuthorityMayStandBehindTheNodesCertificate()
    {
        var certificate = _realm.Issue("node-1");
        Accept(_realm.NewJudge().Judge([certificate.Der, _realm.Authority.Realm.Authorities[0].Der], TestRealm.Start));
    }

    [Fact]
    public void NoCertificateIsMissing() => Refuse(ErrorCode.CertificateMissing, _realm.NewJudge().Judge([], TestRealm.Start));

    [Fact] // [ID-15]
    public void SkewOfFiveMinutesIsAllowedAtBothEdgesAndNotAMillisecondMore()
    {
        var certificate = _realm.Issue("node-1", now: TestRealm.Start + TimeSpan.FromDays(1));
        var judge = _realm.NewJudge();
        var first = certificate.Identity.NotBefore + TimeSpan.FromMinutes(-5);
        var last = certificate.Identity.NotAfter + TimeSpan.FromMinutes(5);

        Accept(judge.Judge([certificate.Der], first));
        Accept(judge.Judge([certificate.Der], last));
        Refuse(ErrorCode.CertificateNotYetValid, judge.Judge([certificate.Der], first + TimeSpan.FromMilliseconds(-1)));
        Refuse(ErrorCode.CertificateExpired, judge.Judge([certificate.Der], last + TimeSpan.FromMilliseconds(1)));
    }

    [Theory]
    [InlineData(long.MinValue, ErrorCode.CertificateNotYetValid)]
    [InlineData(0, ErrorCode.CertificateNotYetValid)]
    [InlineData(long.MaxValue, ErrorCode.CertificateExpired)]
    public void ClockThatIsFarOffRefusesWithoutThrowing(long now, ErrorCode code) =>
        Refuse(code, _realm.Judge(_realm.Issue("node-1").Der, new WallTime(now)));

    [Fact]
    public void ClockThatIsADayOffRefuses()
    {
        var certificate = _realm.Issue("node-1", lifetime: TimeSpan.FromHours(12));
        Refuse(ErrorCode.CertificateNotYetValid, _realm.Judge(certificate.Der, TestRealm.Start + TimeSpan.FromDays(-1)));
        Refuse(ErrorCode.CertificateExpired, _realm.Judge(certificate.Der, TestRealm.Start + TimeSpan.FromDays(1)));
    }

    [Fact]
    public void ExpiredAuthorityTakesItsNodesWithIt()
    {
        using var realm = new TestRealm(2, options: new AuthorityOptions { AuthorityLifetime = TimeSpan.FromHours(1), NodeLifetime = TimeSpan.FromHours(1) });
        var raw = RawCertificate.OfNode(realm);
        raw.NotAfter = raw.NotBefore.AddDays(300);
        Refuse(ErrorCode.CertificateExpired, realm.Judge(raw.Sign(realm.AuthorityKey, realm.Scheme), TestRealm.Start + TimeSpan.FromHours(2)));
    }

    [Fact] // [ID-9]
    public void CertificateOfAnotherRealmIsOfAnotherRealm()
    {
        using var other = new TestRealm(2);
        Refuse(ErrorCode.CertificateWrongRealm, _realm.Judge(other.Issue("node-1").Der));
    }

    [Fact] // [ID-9]
    public void RightAuthorityWithAnotherRealmInTheUriIsOfAnotherRealm()
    {
        var raw = RawCertificate.OfNode(_realm, uriRealm: new string('0', 32));
        Refuse(ErrorCode.CertificateWrongRealm, _realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
    }

    [Theory] // [ID-9]
    [InlineData(true)]
    [InlineData(false)]
    public void RightAuthorityWithAnotherRealmInANameIsOfAnotherRealm(bool inIssuer)
    {
        var raw = RawCertificate.OfNode(_realm);
        (raw.Issuer, raw.Subject) = inIssuer ? (new string('0', 32), raw.Subject) : (raw.Issuer, new string('0', 32));
        Refuse(ErrorCode.CertificateWrongRealm, _realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
    }

    [Fact] // [ID-14]
    public void ForeignAuthorityThatClaimsTheRealmIsUntrusted()
    {
        using var forger = _realm.NewKey();
        Refuse(ErrorCode.CertificateUntrusted, _realm.Judge(RawCertificate.OfNode(_realm).Sign(forger, _realm.Scheme)));
    }

    [Fact] // [ID-14]
    public void ForeignAuthorityThatNamesItsOwnKeyIsUntrusted()
    {
        using var forger = _realm.NewKey();
        var keyId = Convert.FromHexString(KeyIdentifier.Derive(forger.SubjectPublicKeyInfo.Span).ToString());
        var raw = RawCertificate.OfNode(_realm).Replace(RawCertificate.AuthorityKeyId, [0x30, 0x16, 0x80, 0x14, .. keyId]);
        Refuse(ErrorCode.CertificateUntrusted, _realm.Judge(raw.Sign(forger, _realm.Scheme)));
    }

    [Fact] // [ID-14]
    public void SelfSignedCertificateIsUntrusted()
    {
        using var key = _realm.NewKey();
        var keyId = Convert.FromHexString(KeyIdentifier.Derive(key.SubjectPublicKeyInfo.Span).ToString());
        var raw = RawCertificate.OfNode(_realm, key).Replace(RawCertificate.AuthorityKeyId, [0x30, 0x16, 0x80, 0x14, .. keyId]);
        Refuse(ErrorCode.CertificateUntrusted, _realm.Judge(raw.Sign(key, _realm.Scheme)));
    }

    [Fact] // [ID-13]
    public void NodeThatSignsAnotherNodeIsUntrusted()
    {
        using var key = _realm.NewKey();
        var issuer = _realm.Issue("issuer", key: key);
        var leaf = RawCertificate.OfNode(_realm).Sign(key, _realm.Scheme);
        Refuse(ErrorCode.CertificateUntrusted, _realm.Judge(leaf));
        Refuse(ErrorCode.CertificateUntrusted, _realm.NewJudge().Judge([leaf, issuer.Der], TestRealm.Start));
    }

    [Fact] // [ID-13]
    public void StrangersAuthorityBehindAGoodCertificateIsUntrusted()
    {
        using var other = new TestRealm(2);
        Refuse(ErrorCode.CertificateUntrusted, _realm.NewJudge().Judge([_realm.Issue("node-1").Der, other.Authority.Realm.Authorities[0].Der], TestRealm.Start));
    }

    [Theory] // [ID-11]
    [InlineData("1.3.6.1.5.5.7.3.1")]
    [InlineData("1.3.6.1.5.5.7.3.2")]
    [InlineData("1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.1")]
    [InlineData("1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.2 1.3.6.1.5.5.7.3.3")]
    [InlineData("1.3.6.1.5.5.7.3.4")]
    [InlineData("2.5.29.37.0")]
    public void OtherExtendedUsagesAreWrongUsage(string usages)
    {
        var raw = RawCertificate.OfNode(_realm).Replace(RawCertificate.ExtendedKeyUsage, RawCertificate.Usages(usages.Split(' ')));
        Refuse(ErrorCode.CertificateWrongUsage, _realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
    }

    [Theory] // [ID-11]
    [InlineData(RawCertificate.BasicConstraints)]
    [InlineData(RawCertificate.KeyUsage)]
    [InlineData(RawCertificate.ExtendedKeyUsage)]
    public void MissingUsageIsWrongUsage(string objectId) =>
        Refuse(ErrorCode.CertificateWrongUsage, _realm.Judge(RawCertificate.OfNode(_realm).Remove(objectId).Sign(_realm.AuthorityKey, _realm.Scheme)));

    [Theory] // [ID-11]
    [InlineData(RawCertificate.KeyUsage, "03020204")] // keyCertSign
    [InlineData(RawCertificate.KeyUsage, "03020780 00")]
    [InlineData(RawCertificate.BasicConstraints, "30030101ff")] // an authority
    [InlineData(RawCertificate.BasicConstraints, "3003010100")] // false, written out: not DER
    public void OtherKeyUsageOrAuthorityIsWrongUsage(string objectId, string value)
    {
        var raw = RawCertificate.OfNode(_realm).Replace(objectId, Convert.FromHexString(value.Replace(" ", "", StringComparison.Ordinal)));
        Refuse(ErrorCode.CertificateWrongUsage, _realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
    }

    [Fact] // [ID-11]
    public void AuthoritysOwnCertificateIsNoNodes() =>
        Refuse(ErrorCode.CertificateWrongUsage, _realm.Judge(_realm.Authority.Realm.Authorities[0].Der));

    [Fact] // [ID-16]
    public void RevokedNodeIsRefusedWithEveryCertificateOfItsKey()
    {
        using var key = _realm.NewKey();
        var first = _realm.Issue("node-1", key: key);
        var second = _realm.Issue("node-1", key: key);
        var innocent = _realm.Issue("node-2");
        var judge = _realm.NewJudge();
        Accept(judge.Judge([first.Der], TestRealm.Start));

        _realm.Authority.Revoke(NodeName.Parse("node-1"), TestRealm.Start, RevocationReason.KeyCompromise);
        judge.Adopt(_realm.Trust);

        Refuse(ErrorCode.CertificateRevoked, judge.Judge([first.Der], TestRealm.Start));
        Refuse(ErrorCode.CertificateRevoked, judge.Judge([second.Der], TestRealm.Start));
        Accept(judge.Judge([innocent.Der], TestRealm.Start));
    }

    [Fact] // [ID-16]
    public void RevokedSerialNumberLeavesTheKeysOtherCertificate()
    {
        using var key = _realm.NewKey();
        var first = _realm.Issue("node-1", key: key);
        var second = _realm.Issue("node-1", key: key);

        _realm.Authority.Revoke(first.Identity.Serial, TestRealm.Start, RevocationReason.Superseded);

        Refuse(ErrorCode.CertificateRevoked, _realm.Judge(first.Der));
        Accept(_realm.Judge(second.Der));
    }

    [Fact] // [ID-16]
    public void TwinOfARevokedCertificateIsRevokedToo()
    {
        var certificate = _realm.Issue("node-1");
        var twin = RawCertificate.Twin(certificate.Der);
        Assert.NotEqual(certificate.Der.ToArray(), twin);
        Accept(_realm.Judge(twin));

        _realm.Authority.Revoke(certificate.Identity.Serial, TestRealm.Start, RevocationReason.Unspecified);

        Refuse(ErrorCode.CertificateRevoked, _realm.Judge(twin));
    }

    [Fact]
    public void JudgeNeverGoesBackToAnOlderRevocationList()
    {
        var before = _realm.Trust;
        _realm.Issue("node-1");
        _realm.Authority.Revoke(NodeName.Parse("node-1"), TestRealm.Start, RevocationReason.Unspecified);
        var judge = _realm.NewJudge();
        Assert.Throws<ArgumentException>(() => judge.Adopt(before));
        using var other = new TestRealm(2);
        Assert.Throws<ArgumentException>(() => judge.Adopt(other.Trust));
    }

    [Fact] // [ID-17]
    public void CertificateVerifiedUnderOtherAuthoritiesIsVerifiedAgain()
    {
        var before = _realm.Trust;
        _realm.Authority.RotateKey(_realm.Random, TestRealm.Start);
        var certificate = _realm.Issue("node-1");
        var judge = _realm.NewJudge();
        Accept(judge.Judge([certificate.Der], TestRealm.Start));
        judge.Adopt(before);
        Refuse(ErrorCode.CertificateUntrusted, judge.Judge([certificate.Der], TestRealm.Start));
    }

    [Fact] // [ID-17]
    public void RememberedCertificateIsStillLookedAtForTime()
    {
        var certificate = _realm.Issue("node-1");
        var judge = _realm.NewJudge();
        Accept(judge.Judge([certificate.Der], TestRealm.Start));
        Refuse(ErrorCode.CertificateExpired, judge.Judge([certificate.Der], TestRealm.Start + TimeSpan.FromDays(91)));
        Accept(judge.Judge([certificate.Der], TestRealm.Start));
    }

    [Fact] // [ID-17]
    public void KnownCertificateCostsNoSignatureCheckUntilItIsPushedOut()
    {
        var scheme = new CountingScheme();
        using var realm = new TestRealm(3, scheme);
        var certificates = Enumerable.Range(0, 3).Select(index => realm.Issue($"node-{index}").Der).ToArray();
        var judge = new CertificateJudge(realm.Trust, capacity: 2);
        scheme.Verifications = 0;

        int CostOf(int index)
        {
            var before = scheme.Verifications;
            Accept(judge.Judge([certificates[index]], TestRealm.Start));
            return scheme.Verifications - before;
        }

        Assert.Equal([1, 0, 1, 0, 1, 0, 1], new[] { 0, 0, 1, 0, 2, 0, 1 }.Select(CostOf));
    }

    [Fact] // [ID-17]
    public void RefusedCertificateIsNotRemembered()
    {
        var scheme = new CountingScheme();
        using var realm = new TestRealm(3, scheme);
        using var forger = realm.NewKey();
        var good = realm.Issue("node-1").Der;
        var judge = new CertificateJudge(realm.Trust, capacity: 1);
        Accept(judge.Judge([good], TestRealm.Start));
        Refuse(ErrorCode.CertificateUntrusted, judge.Judge([RawCertificate.OfNode(realm).Sign(forger, realm.Scheme)], TestRealm.Start));
        scheme.Verifications = 0;
        Accept(judge.Judge([good], TestRealm.Start));
        Assert.Equal(0, scheme.Verifications);
    }

    [Fact] // [ID-12]
    public void CertificatesOfOldAndNewAuthorityKeyAreAcceptedAfterARotation()
    {
        using var key = _realm.NewKey();
        var old = _realm.Issue("node-1", key: key);
        var before = _realm.NewJudge();
        _realm.Authority.RotateKey(_realm.Random, TestRealm.Start);
        var renewed = _realm.Issue("node-1", key: key);

        Refuse(ErrorCode.CertificateUntrusted, before.Judge([renewed.Der], TestRealm.Start));
        before.Adopt(_realm.Trust);
        Assert.Equal(Accept(before.Judge([old.Der], TestRealm.Start)).NodeId, Accept(before.Judge([renewed.Der], TestRealm.Start)).NodeId);
        Assert.NotEqual(old.AuthorityKeyId, renewed.AuthorityKeyId);
    }

    [Fact]
    public void WeakAndOtherKeysAreMalformed()
    {
        using var rsa = RSA.Create(1024);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        foreach (var spki in new[] { rsa.ExportSubjectPublicKeyInfo(), p384.ExportSubjectPublicKeyInfo(), OffTheCurve() })
        {
            var raw = RawCertificate.OfNode(_realm);
            raw.SubjectPublicKeyInfo = spki;
            Refuse(ErrorCode.CertificateMalformed, _realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
        }
    }

    [Fact]
    public void RsaSignedCertificateIsMalformed()
    {
        using var rsa = RSA.Create(1024);
        var request = new CertificateRequest($"CN={_realm.Authority.Realm.Id}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(TestRealm.Start.ToDateTimeOffset(), TestRealm.Start.ToDateTimeOffset().AddDays(1));
        Refuse(ErrorCode.CertificateMalformed, _realm.Judge(certificate.RawData));
    }

    [Fact]
    public void CertificateThatNamesSha1IsMalformed()
    {
        var raw = RawCertificate.OfNode(_realm);
        raw.Algorithm = [0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]; // ecdsa-with-SHA1
        Refuse(ErrorCode.CertificateMalformed, _realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
    }

    [Fact] // [ID-6]
    public void LongChainAndLargeCertificateAreMalformed()
    {
        var certificate = _realm.Issue("node-1").Der;
        var judge = _realm.NewJudge();
        Refuse(ErrorCode.CertificateMalformed, judge.Judge([.. Enumerable.Repeat(certificate, 100)], TestRealm.Start));
        Refuse(ErrorCode.CertificateMalformed, judge.Judge([new byte[CertificateProfile.MaxCertificateBytes + 1]], TestRealm.Start));
        Refuse(ErrorCode.CertificateMalformed, judge.Judge([ReadOnlyMemory<byte>.Empty], TestRealm.Start));
        Refuse(ErrorCode.CertificateMalformed, judge.Judge(["-----BEGIN CERTIFICATE-----"u8.ToArray()], TestRealm.Start));
    }

    [Fact] // nothing beyond the meaning of the code
    public void WhatThePeerReadsHoldsNothingOfTheRealm()
    {
        using var other = new TestRealm(2);
        var refused = Refuse(ErrorCode.CertificateWrongRealm, _realm.Judge(other.Issue("node-1").Der));
        Assert.Contains(_realm.Authority.Realm.Id.ToString(), refused.Detail, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.Describe(ErrorCode.CertificateWrongRealm).Meaning, refused.DetailForPeer);
    }

    private static NodeIdentity Accept(Verdict verdict) => Assert.IsType<Verdict.Accepted>(verdict).Identity;

    private static Verdict.Refused Refuse(ErrorCode code, Verdict verdict)
    {
        var refused = Assert.IsType<Verdict.Refused>(verdict);
        Assert.Equal(code, refused.Code);
        Assert.Matches(@"\[ID-\d+\]$", refused.Detail);
        return refused;
    }

    private static byte[] OffTheCurve()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var spki = key.ExportSubjectPublicKeyInfo();
        spki[^1] ^= 1;
        return spki;
    }
}
