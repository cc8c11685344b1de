using System.Text;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Tls;

namespace Macula.Transport.Quic.Connections;

/// <summary>What the TLS handshake of one connection has brought so far. On the loop's thread; constant once the connection is up.</summary>
internal sealed unsafe class Handshake(IdentityTable identities)
{
    /// <summary>The server name of the dial.</summary>
    public string ServerName { get; set; } = "";

    /// <summary>The other side's certificates.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates { get; private set; } = [];

    /// <summary>True once TLS is done.</summary>
    public bool IsCompleted { get; set; }

    /// <summary>Why this side refused it; null when it did not.</summary>
    public (Refusal Kind, string Detail)? Refused { get; private set; }

    /// <summary>Notes why this side refuses the handshake; the first reason counts.</summary>
    public void Refuse(Refusal kind, string detail) => Refused ??= (kind, detail);

    /// <summary>Chooses the identity of a server name; null when it is not served here.</summary>
    public TlsCredentials? Choose(string serverName)
    {
        var credentials = identities.Find(serverName);
        if (credentials is null)
        {
            Refuse(Refusal.UnknownServerName, CloseReason.Decode(Encoding.ASCII.GetBytes(serverName)));
            return null;
        }

        // The name as it is served here, whatever the case of the client's letters.
        ServerName = credentials.ServerName;
        return credentials;
    }

    /// <summary>Keeps the other side's certificates for those who judge them; false when they are too many or too long.</summary>
    public bool TryTakeCertificates(ReadOnlySpan<Datum> certificates)
    {
        long bytes = 0;
        foreach (ref readonly var certificate in certificates)
        {
            bytes += certificate.Length;
        }

        if (certificates.Length is 0 or > TlsCredentials.MaxCertificates || bytes > TlsCredentials.MaxChainBytes)
        {
            Refuse(Refusal.CertificateTooLarge, $"{certificates.Length} certificates, {bytes} bytes");
            return false;
        }

        var kept = new ReadOnlyMemory<byte>[certificates.Length];
        for (var i = 0; i < kept.Length; i++)
        {
            kept[i] = new ReadOnlySpan<byte>(certificates[i].Start, (int)certificates[i].Length).ToArray();
        }

        PeerCertificates = kept;
        return true;
    }
}
