using Macula.Identity.Certificates;
using Macula.Identity.Tests.Support;
using Macula.Identity.Trust;
using Macula.Wire.Errors;

namespace Macula.Identity.Tests;

/// <summary>[ID-7], [ID-8], [ID-10]: what the right authority signed in another form than the one is no certificate of ours.</summary>
public sealed class CertificateProfileTests : IDisposable
{
    private readonly TestRealm _realm = new();

    public void Dispose() => _realm.Dispose();

    public static TheoryData<string> Deviations => [.. Edits.Keys];

    private static Dictionary<string, Action<RawCertificate>> Edits { get; } = new()
    {
        ["version 1"] = raw => raw.Version = 0,
        ["version 4"] = raw => raw.Version = 3,
        ["short serial number"] = raw => raw.Serial = [0x40],
        ["long serial number"] = raw => raw.Serial = [0x40, .. new byte[16]],
        ["serial number that begins otherwise"] = raw => raw.Serial = [0x20, .. new byte[15]],
        ["negative serial number"] = raw => raw.Serial = [0xc0, .. new byte[15]],
        ["ends before it begins"] = raw => raw.NotAfter = raw.NotBefore.AddSeconds(-1),
        ["no realm id as names"] = raw => (raw.Issuer, raw.Subject) = ("node-1", "node-1"),
        ["upper case realm id as names"] = raw => (raw.Issuer, raw.Subject) = (raw.Issuer.ToUpperInvariant(), raw.Subject.ToUpperInvariant()),
        ["extensions in another order"] = raw => raw.Extensions.Reverse(),
        ["one extension twice"] = raw => raw.Extensions.Add(raw.Extensions[^1]),
        ["extension that is not known"] = raw => raw.Extensions.Add(new("2.25.5", false, [0x05, 0x00])),
        ["critical extension that is not known"] = raw => raw.Extensions.Add(new("2.25.5", true, [0x05, 0x00])),
        ["twenty extensions"] = raw => raw.Extensions.AddRange(Enumerable.Range(5, 20).Select(id => new RawExtension($"2.25.{id}", false, [0x05, 0x00]))),
        ["usage that is not critical"] = raw => raw.Extensions[1] = raw.Extensions[1] with { Critical = false },
        ["salt that is critical"] = raw => raw.Extensions[6] = raw.Extensions[6] with { Critical = true },
        ["subject key id of another key"] = raw => raw.Extensions[3] = raw.Extensions[3] with { Value = [0x04, 0x14, .. new byte[20]] },
        ["no subject key id"] = raw => raw.Remove("2.5.29.14"),
        ["no authority key id"] = raw => raw.Remove(RawCertificate.AuthorityKeyId),
        ["no salt"] = raw => raw.Remove(CertificateProfile.SaltObjectId),
        ["short salt"] = raw => raw.Replace(CertificateProfile.SaltObjectId, [0x04, 0x0f, .. new byte[15]]),
        ["salt with a byte behind"] = raw => raw.Replace(CertificateProfile.SaltObjectId, [0x04, 0x10, .. new byte[17]]),
        ["no roles"] = raw => raw.Remove(CertificateProfile.RolesObjectId),
        ["no role"] = raw => raw.Replace(CertificateProfile.RolesObjectId, [0x02, 0x01, 0x00]),
        ["negative roles"] = raw => raw.Replace(CertificateProfile.RolesObjectId, [0x02, 0x01, 0xff]),
        ["roles beyond 16 bits"] = raw => raw.Replace(CertificateProfile.RolesObjectId, [0x02, 0x03, 0x01, 0x00, 0x00]),
        ["roles that are no number"] = raw => raw.Replace(CertificateProfile.RolesObjectId, [0x04, 0x01, 0x01]),
        ["no name"] = raw => raw.Remove(RawCertificate.AlternativeName),
        ["another kind of URI"] = raw => raw.Replace(RawCertificate.AlternativeName, RawCertificate.Uri($"https://{raw.Subject}/node-1")),
        ["URI without a node name"] = raw => raw.Replace(RawCertificate.AlternativeName, RawCertificate.Uri($"macula://{raw.Subject}/")),
        ["URI with a path"] = raw => raw.Replace(RawCertificate.AlternativeName, RawCertificate.Uri($"macula://{raw.Subject}/a/b")),
        ["URI with an upper case node name"] = raw => raw.Replace(RawCertificate.AlternativeName, RawCertificate.Uri($"macula://{raw.Subject}/Node")),
        ["URI with an upper case realm id"] = raw =>
            raw.Replace(RawCertificate.AlternativeName, RawCertificate.Uri($"macula://{raw.Subject.ToUpperInvariant()}/node-1")),
    };

    [Theory]
    [MemberData(nameof(Deviations))]
    public void DeviationThatTheAuthoritySignedIsMalformed(string deviation)
    {
        var raw = RawCertificate.OfNode(_realm);
        Edits[deviation](raw);
        var refused = Assert.IsType<Verdict.Refused>(_realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
        Assert.Equal(ErrorCode.CertificateMalformed, refused.Code);
    }

    [Fact] // [ID-10]
    public void RolesThatHaveNoNameYetAreKeptAndMeanNothing()
    {
        var raw = RawCertificate.OfNode(_realm).Replace(CertificateProfile.RolesObjectId, [0x02, 0x02, 0x10, 0x01]);
        var accepted = Assert.IsType<Verdict.Accepted>(_realm.Judge(raw.Sign(_realm.AuthorityKey, _realm.Scheme)));
        Assert.Equal(0x1001, (int)accepted.Identity.Roles);
    }
}
