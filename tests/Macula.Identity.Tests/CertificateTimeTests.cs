using System.Text;
using Macula.Identity.Certificates;
using Macula.Identity.Keys;
using Macula.Identity.Tests.Support;
using Macula.Identity.Trust;
using Macula.Wire.Errors;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>[ID-8]: a stranger's times are whole seconds that can be written again, or the certificate is malformed; no byte of them makes a reader throw.</summary>
public sealed class CertificateTimeTests : IDisposable
{
    private const byte UtcTime = 0x17;
    private const byte GeneralizedTime = 0x18;

    // The keyed hash keeps the sweeps fast; times are read before any signature is looked at.
    private readonly TestRealm _realm = new(11, KeyedHashScheme.Instance);

    public void Dispose() => _realm.Dispose();

    [Theory]
    [InlineData("99991231235959.999Z")]
    [InlineData("99991231235959.9999999Z")]
    [InlineData("99991231235959.001Z")]
    [InlineData("99991231235959.0001Z")]
    [InlineData("20510101000000.5Z")]
    [InlineData("20510101000000.0000001Z")]
    [InlineData("20490101000000Z")]
    [InlineData("19491231235959Z")]
    [InlineData("00010101000000Z")]
    [InlineData("00000101000000Z")]
    [InlineData("99991231235960Z")]
    [InlineData("99991231240000Z")]
    [InlineData("99991231235959-0100")]
    [InlineData("99991231235959+1400")]
    [InlineData("9999123123Z")]
    public void TimeThatNoAuthorityWritesIsMalformed(string text)
    {
        byte[] late = [.. Time(UtcTime, "261121120000Z"), .. Time(GeneralizedTime, text)];
        byte[] early = [.. Time(GeneralizedTime, text), .. Time(GeneralizedTime, "99991231235959Z")];
        byte[] both = [.. Time(GeneralizedTime, text), .. Time(GeneralizedTime, text)];
        foreach (var validity in new[] { late, early, both })
        {
            Refuse(Node(validity), Authority(validity));
        }
    }

    [Theory]
    [InlineData("500101000000Z", "99991231235959Z")]
    [InlineData("500101000000Z", "491231235959Z")]
    public void FirstAndLastSecondCanBeHeldAndJudged(string notBefore, string notAfter)
    {
        byte[] validity = [.. Time(UtcTime, notBefore), .. Time(notAfter.StartsWith("9999", StringComparison.Ordinal) ? GeneralizedTime : UtcTime, notAfter)];
        Assert.True(NodeCertificate.TryRead(Node(validity), _realm.Scheme, out _, out _));
        Assert.True(AuthorityCertificate.TryRead(Authority(validity), _realm.Scheme, out _, out _));
        var raw = RawCertificate.OfNode(_realm);
        raw.Validity = validity;
        var signed = raw.Sign(_realm.AuthorityKey, _realm.Scheme);
        Assert.IsType<Verdict.Accepted>(_realm.Judge(signed));
        foreach (var now in new[] { long.MinValue, -62135596800000, 253402300799999, long.MaxValue })
        {
            Assert.IsType<Verdict.Refused>(_realm.Judge(signed, new(now)));
        }
    }

    [Theory]
    [InlineData(UtcTime, "261121120000Z", UtcTime, "271121120000Z")]
    [InlineData(GeneralizedTime, "20500101000000Z", GeneralizedTime, "99991231235959Z")]
    [InlineData(GeneralizedTime, "20500101000000.5Z", GeneralizedTime, "99991231235959.9Z")]
    [InlineData(UtcTime, "500101000000Z", GeneralizedTime, "99991231235959.999Z")]
    [InlineData(UtcTime, "261121120000Z", GeneralizedTime, "999912312359.9Z")]
    public void EveryValueOfEveryByteOfTheTimesIsReadOrRefused(byte firstTag, string first, byte secondTag, string second)
    {
        byte[] times = [.. Time(firstTag, first), .. Time(secondTag, second)];
        var (node, authority) = (Node(times), Authority(times));
        var (nodeStart, authorityStart) = (node.AsSpan().IndexOf(times), authority.AsSpan().IndexOf(times));
        var judge = _realm.NewJudge();
        for (var index = 0; index < times.Length; index++)
        {
            for (var value = 0; value <= byte.MaxValue; value++)
            {
                node[nodeStart + index] = authority[authorityStart + index] = (byte)value;
                if (NodeCertificate.TryRead(node, _realm.Scheme, out var certificate, out _))
                {
                    Assert.Equal(0, certificate.Identity.NotBefore.UnixMilliseconds % 1000);
                    Assert.Equal(0, certificate.Identity.NotAfter.UnixMilliseconds % 1000);
                }

                AuthorityCertificate.TryRead(authority, _realm.Scheme, out _, out _);
                Assert.IsType<Verdict.Refused>(judge.Judge([node], TestRealm.Start));
            }

            node[nodeStart + index] = authority[authorityStart + index] = times[index];
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    public void SignatureOutsideTheCurvesOrderIsRefused(byte filler)
    {
        using var realm = new TestRealm(12);
        var der = RawCertificate.OfNode(realm).LeaveUnsigned(EcdsaP256Scheme.Instance, filler);
        Assert.Equal(ErrorCode.CertificateUntrusted, Assert.IsType<Verdict.Refused>(realm.Judge(der)).Code);
    }

    private void Refuse(byte[] node, byte[] authority)
    {
        Assert.False(NodeCertificate.TryRead(node, _realm.Scheme, out _, out var error));
        Assert.Equal(ErrorCode.CertificateMalformed, error.Code);
        Assert.False(AuthorityCertificate.TryRead(authority, _realm.Scheme, out _, out error));
        Assert.Equal(ErrorCode.CertificateMalformed, error.Code);
        Assert.Equal(ErrorCode.CertificateMalformed, Assert.IsType<Verdict.Refused>(_realm.Judge(node)).Code);
    }

    private byte[] Node(byte[] validity)
    {
        var raw = RawCertificate.OfNode(_realm);
        raw.Validity = validity;
        return raw.LeaveUnsigned(_realm.Scheme);
    }

    private byte[] Authority(byte[] validity)
    {
        var raw = RawCertificate.OfAuthority(_realm, _realm.NewKey());
        raw.Validity = validity;
        return raw.LeaveUnsigned(_realm.Scheme);
    }

    private static byte[] Time(byte tag, string text) => [tag, (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
}
