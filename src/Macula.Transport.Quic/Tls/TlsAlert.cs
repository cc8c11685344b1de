using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Tls;

/// <summary>The TLS alerts that refuse a handshake (RFC 8446 §6), and what they mean to a caller.</summary>
internal static class TlsAlert
{
    /// <summary>QUIC carries alert n as error 0x100 + n (RFC 9001 §4.8).</summary>
    public const ulong FirstErrorCode = 0x100;

    private const int BadCertificate = 42;
    private const int UnknownCertificate = 46;
    private const int ProtocolVersion = 70;
    private const int UnrecognizedName = 112;
    private const int CertificateRequired = 116;
    private const int NoApplicationProtocol = 120;

    /// <summary>Takes the alert out of a transport error code.</summary>
    public static bool TryRead(ulong errorCode, out int alert)
    {
        alert = (int)(errorCode & 0xFF);
        return (errorCode & ~0xFFUL) == FirstErrorCode;
    }

    /// <summary>The code that a refused dial reports.</summary>
    public static ErrorCode ToErrorCode(int alert) => alert switch
    {
        UnrecognizedName => ErrorCode.RealmNotServed,
        CertificateRequired => ErrorCode.CertificateMissing,
        NoApplicationProtocol or ProtocolVersion => ErrorCode.VersionMismatch,
        >= BadCertificate and <= UnknownCertificate => ErrorCode.CertificateMalformed,
        _ => ErrorCode.Unreachable,
    };

    /// <summary>A sentence for people.</summary>
    public static string Describe(int alert) => alert switch
    {
        UnrecognizedName => "The server name is not served (TLS alert unrecognized_name).",
        CertificateRequired => "A client certificate is required and none was shown (TLS alert certificate_required).",
        NoApplicationProtocol => "The two sides share no application protocol (TLS alert no_application_protocol).",
        ProtocolVersion => "The two sides share no TLS version (TLS alert protocol_version).",
        >= BadCertificate and <= UnknownCertificate => $"The certificate was refused (TLS alert {alert}).",
        _ => $"The TLS handshake failed (alert {alert}).",
    };
}
