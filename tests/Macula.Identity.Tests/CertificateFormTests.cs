using System.Formats.Asn1;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using Macula.Identity.Certificates;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Identity.Tests.Support;
using Macula.Wire.Time;
using KeyedHashScheme = Macula.Testing.Realms.KeyedHashScheme;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/01-identity.md §3: what stands in a certificate, as implementations that are not ours read it.</summary>
public sealed class CertificateFormTests : IDisposable
{
    private readonly TestRealm _realm = new();
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _realm.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void PlatformLoadsItAsX509OfVersionThree()
    {
        var node = _realm.Issue("node-1");
        using var certificate = X509CertificateLoader.LoadCertificate(node.Der.Span);
        Assert.Equal(3, certificate.Version);
        Assert.Equal($"CN={_realm.Authority.Realm.Id}", certificate.Subject);
        Assert.Equal(certificate.Subject, certificate.Issuer);
        Assert.Equal(node.Identity.Serial.ToString(), certificate.SerialNumber, ignoreCase: true);
        Assert.Equal(node.Identity.NotAfter.ToDateTimeOffset().UtcDateTime, certificate.NotAfter.ToUniversalTime());
        Assert.Equal(
            ["2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.35", "2.5.29.17", CertificateProfile.SaltObjectId, CertificateProfile.RolesObjectId],
            certificate.Extensions.Select(extension => extension.Oid!.Value!));
    }

    [Fact] // [ID-9]
    public void RealmNameStandsNowhereInACertificate()
    {
        foreach (var der in new[] { _realm.Issue("node-1").Der, _realm.Authority.Realm.Authorities[0].Der })
        {
            Assert.Equal(-1, der.Span.IndexOf("example"u8));
        }
    }

    [Fact]
    public void OpenSslVerifiesTheNodeAgainstTheAuthority()
    {
        var (authority, node) = SaveBoth();
        foreach (var purpose in new[] { "sslserver", "sslclient" })
        {
            var (exitCode, output) = OpenSsl.Run("verify", "-x509_strict", "-check_ss_sig", "-attime", At(TestRealm.Start), "-purpose", purpose, "-CAfile", authority, node);
            Assert.True(exitCode == 0, output);
        }
    }

    [Fact] // [ID-12]
    public void OpenSslVerifiesTheNodeOfASecondAuthorityKeyAgainstTheFirst()
    {
        var (first, _) = SaveBoth();
        _realm.Authority.RotateKey(_realm.Random, TestRealm.Start);
        var second = _directory["second.pem"];
        File.WriteAllText(second, Pem(_realm.Authority.Realm.Authorities[1].Der));
        var node = _directory["node-2.pem"];
        File.WriteAllText(node, Pem(_realm.Issue("node-2").Der));

        var (exitCode, output) = OpenSsl.Run("verify", "-x509_strict", "-attime", At(TestRealm.Start), "-CAfile", first, "-untrusted", second, node);
        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public void OpenSslShowsWhatTheProfileSays()
    {
        var (_, node) = SaveBoth();
        var (exitCode, output) = OpenSsl.Run("x509", "-in", node, "-noout", "-text");
        Assert.True(exitCode == 0, output);
        Assert.Contains($"URI:macula://{_realm.Authority.Realm.Id}/node-1", output, StringComparison.Ordinal);
        Assert.Contains("CA:FALSE", output, StringComparison.Ordinal);
        Assert.Contains("TLS Web Server Authentication, TLS Web Client Authentication", output, StringComparison.Ordinal);
        Assert.Contains("ecdsa-with-SHA256", output, StringComparison.Ordinal);
        Assert.Contains("NIST CURVE: P-256", output, StringComparison.Ordinal);
        Assert.Contains(CertificateProfile.SaltObjectId, output, StringComparison.Ordinal);
    }

    [Fact] // [ID-10]
    public void GnuTlsImportsIt()
    {
        if (!NativeLibrary.TryLoad("libgnutls.so.30", out var library))
        {
            Assert.Skip("There is no GnuTLS on this machine.");
        }

        // GnuTLS refuses a certificate that holds an object id with an arc beyond 64 bits.
        Assert.Equal(0, GnuTlsImport(library, _realm.Issue("node-1").Der.ToArray()));
        Assert.Equal(0, GnuTlsImport(library, _realm.Authority.Realm.Authorities[0].Der.ToArray()));
        Assert.NotEqual(0, GnuTlsImport(library, new byte[100]));
    }

    [Fact]
    public void TimesFrom2050OnAreGeneralizedTimes()
    {
        var late = WallTime.From(new DateTimeOffset(2049, 12, 1, 0, 0, 0, TimeSpan.Zero));
        using var authority = RealmAuthority.Create(RealmName.Parse("late"), _realm.Scheme, _realm.Random, late);
        using var key = _realm.NewKey();
        var request = new NodeCertificateRequest(NodeName.Parse("node-1"), NodeRoles.Peer, key.SubjectPublicKeyInfo);
        var certificate = authority.Issue(request, _realm.Random, late);
        using var loaded = X509CertificateLoader.LoadCertificate(certificate.Der.Span);
        Assert.Equal(2050, loaded.NotAfter.ToUniversalTime().Year);
        var reader = new AsnReader(certificate.Der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        reader.ReadEncodedValue();
        reader.ReadEncodedValue();
        reader.ReadEncodedValue();
        reader.ReadEncodedValue();
        var validity = reader.ReadSequence();
        Assert.Equal(Asn1Tag.UtcTime, validity.PeekTag());
        validity.ReadUtcTime();
        Assert.Equal(Asn1Tag.GeneralizedTime, validity.PeekTag());
    }

    [Fact]
    public void SameSeedAndTimeGiveTheSameBytesUnderADeterministicScheme()
    {
        static byte[] Run()
        {
            using var realm = new TestRealm(42, KeyedHashScheme.Instance);
            var node = realm.Issue("node-1");
            realm.Authority.Revoke(NodeName.Parse("node-1"), TestRealm.Start, RevocationReason.Superseded);
            return [.. node.Der.Span, .. realm.Authority.Realm.ToUtf8()];
        }

        Assert.Equal(Run(), Run());
    }

    private static int GnuTlsImport(IntPtr library, byte[] der)
    {
        var initialize = Marshal.GetDelegateForFunctionPointer<Initialize>(NativeLibrary.GetExport(library, "gnutls_x509_crt_init"));
        var import = Marshal.GetDelegateForFunctionPointer<Import>(NativeLibrary.GetExport(library, "gnutls_x509_crt_import"));
        var free = Marshal.GetDelegateForFunctionPointer<Free>(NativeLibrary.GetExport(library, "gnutls_x509_crt_deinit"));
        var pinned = GCHandle.Alloc(der, GCHandleType.Pinned);
        try
        {
            Assert.Equal(0, initialize(out var certificate));
            var result = import(certificate, new Datum { Bytes = pinned.AddrOfPinnedObject(), Size = (uint)der.Length }, 0);
            free(certificate);
            return result;
        }
        finally
        {
            pinned.Free();
        }
    }

    private (string Authority, string Node) SaveBoth()
    {
        var (authority, node) = (_directory["authority.pem"], _directory["node.pem"]);
        File.WriteAllText(authority, Pem(_realm.Authority.Realm.Authorities[0].Der));
        File.WriteAllText(node, Pem(_realm.Issue("node-1").Der));
        return (authority, node);
    }

    private static string At(WallTime time) => (time.UnixMilliseconds / 1000).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string Pem(ReadOnlyMemory<byte> der) => System.Security.Cryptography.PemEncoding.WriteString("CERTIFICATE", der.Span) + "\n";

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Initialize(out IntPtr certificate);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Import(IntPtr certificate, in Datum data, int format);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Free(IntPtr certificate);

    [StructLayout(LayoutKind.Sequential)]
    private struct Datum
    {
        public IntPtr Bytes;
        public uint Size;
    }
}
