using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Macula.Transport.Tests.Quic;

/// <summary>Self-signed P-256 identities for tests.</summary>
internal static class TestIdentities
{
    public const string ServerName = "0123456789abcdef0123456789abcdef.macula";

    public static TlsIdentity Create(string serverName = ServerName, string subject = "node", int extraBytes = 0)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        if (extraBytes > 0)
        {
            request.CertificateExtensions.Add(new X509Extension("2.25.1", new byte[extraBytes], critical: false));
        }

        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return new TlsIdentity(serverName, [certificate.RawData], key.ExportPkcs8PrivateKey());
    }
}
