using System.Buffers;
using System.Runtime.InteropServices;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Tls;

/// <summary>One identity's certificates and key, as GnuTLS holds them. Sessions keep it alive; the last one to let go frees it.</summary>
internal sealed unsafe class TlsCredentials : SafeHandle
{
    /// <summary>Most certificates in a chain, ours or the other side's.</summary>
    public const int MaxCertificates = 4;

    /// <summary>Most bytes of a chain, all certificates together.</summary>
    public const int MaxChainBytes = 16 << 10;

    private static readonly SearchValues<char> ServerNameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>Takes an identity over.</summary>
    /// <exception cref="ArgumentException">Certificate or key cannot be used, or do not belong together.</exception>
    public TlsCredentials(TlsIdentity identity)
        : base(0, ownsHandle: true)
    {
        Validate(identity);
        ServerName = identity.ServerName;
        nint credentials;
        Check(GnuTls.AllocateCredentials(&credentials), "credentials");
        SetHandle(credentials);
        Import(identity);
        GnuTls.SetVerifyFunction(credentials, &TlsCallbacks.Verify);
    }

    /// <summary>The name under which this identity is served and dials.</summary>
    public string ServerName { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The native object; only while the caller holds a reference.</summary>
    public nint Native => handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        GnuTls.FreeCredentials(handle);
        return true;
    }

    private static void Validate(TlsIdentity identity)
    {
        // RFC 6066 §3 names hosts; 253 bytes is the longest DNS name.
        const int MaxServerNameBytes = 253;
        if (identity.ServerName.Length is 0 or > MaxServerNameBytes || identity.ServerName.AsSpan().ContainsAnyExcept(ServerNameCharacters))
        {
            throw new ArgumentException($"A server name has 1 to {MaxServerNameBytes} letters, digits, hyphens, underscores and dots.", nameof(identity));
        }

        if (identity.CertificateChain.Count is 0 or > MaxCertificates)
        {
            throw new ArgumentException($"A certificate chain has 1 to {MaxCertificates} certificates, not {identity.CertificateChain.Count}.", nameof(identity));
        }

        if (identity.CertificateChain.Sum(certificate => (long)certificate.Length) > MaxChainBytes)
        {
            throw new ArgumentException($"A certificate chain has at most {MaxChainBytes} bytes.", nameof(identity));
        }
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new ArgumentException($"The TLS identity's {what} cannot be used: {GnuTls.Describe(result)}");
        }
    }

    private void Import(TlsIdentity identity)
    {
        var certificates = stackalloc nint[MaxCertificates];
        var count = 0;
        nint key = 0;
        try
        {
            foreach (var certificate in identity.CertificateChain)
            {
                Check(GnuTls.InitCertificate(certificates + count), "certificate");
                count++;
                Check(ImportCertificate(certificates[count - 1], certificate), "certificate");
            }

            Check(GnuTls.InitKey(&key), "key");
            Check(ImportKey(key, identity.PrivateKeyPkcs8), "key");
            Check(GnuTls.SetKey(handle, certificates, count, key), "key and certificate");
        }
        finally
        {
            for (var i = 0; i < count; i++)
            {
                GnuTls.FreeCertificate(certificates[i]);
            }

            if (key != 0)
            {
                GnuTls.FreeKey(key);
            }
        }
    }

    private static int ImportCertificate(nint certificate, ReadOnlyMemory<byte> der)
    {
        using var pin = der.Pin();
        var datum = new Datum { Start = (byte*)pin.Pointer, Length = (uint)der.Length };
        return GnuTls.ImportCertificate(certificate, &datum, GnuTls.FormatDer);
    }

    private static int ImportKey(nint key, ReadOnlyMemory<byte> pkcs8)
    {
        using var pin = pkcs8.Pin();
        var datum = new Datum { Start = (byte*)pin.Pointer, Length = (uint)pkcs8.Length };
        return GnuTls.ImportKey(key, &datum, GnuTls.FormatDer, null, GnuTls.KeyNotEncrypted);
    }
}
