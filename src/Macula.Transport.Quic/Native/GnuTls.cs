using System.Runtime.InteropServices;

namespace Macula.Transport.Quic.Native;

/// <summary>gnutls_datum_t: bytes by pointer.</summary>
internal unsafe struct Datum
{
    public byte* Start;
    public uint Length;
}

/// <summary>The functions of GnuTLS that this transport calls.</summary>
internal static unsafe partial class GnuTls
{
    public const string Library = "libgnutls.so.30";

    public const uint Server = 1;
    public const uint Client = 1 << 1;
    public const uint NoTickets = 1 << 10;
    public const uint NoAutoSendTicket = 1 << 21;
    public const uint NoEndOfEarlyData = 1 << 22;

    public const int CredentialsCertificate = 1;
    public const int CertificateRequire = 2;
    public const int FormatDer = 0;
    public const int NameDns = 1;
    public const uint AlpnMandatory = 1;

    /// <summary>GNUTLS_PKCS_PLAIN.</summary>
    public const uint KeyNotEncrypted = 1;

    public const int ErrorUnrecognizedName = -294;
    public const int ErrorCertificate = -43;
    public const int ErrorInternal = -59;

    [LibraryImport(Library, EntryPoint = "gnutls_certificate_allocate_credentials")]
    public static partial int AllocateCredentials(nint* credentials);

    [LibraryImport(Library, EntryPoint = "gnutls_certificate_free_credentials")]
    public static partial void FreeCredentials(nint credentials);

    [LibraryImport(Library, EntryPoint = "gnutls_certificate_set_x509_key")]
    public static partial int SetKey(nint credentials, nint* certificates, int count, nint key);

    [LibraryImport(Library, EntryPoint = "gnutls_x509_crt_init")]
    public static partial int InitCertificate(nint* certificate);

    [LibraryImport(Library, EntryPoint = "gnutls_x509_crt_import")]
    public static partial int ImportCertificate(nint certificate, Datum* bytes, int format);

    [LibraryImport(Library, EntryPoint = "gnutls_x509_crt_deinit")]
    public static partial void FreeCertificate(nint certificate);

    [LibraryImport(Library, EntryPoint = "gnutls_x509_privkey_init")]
    public static partial int InitKey(nint* key);

    [LibraryImport(Library, EntryPoint = "gnutls_x509_privkey_import_pkcs8")]
    public static partial int ImportKey(nint key, Datum* bytes, int format, byte* password, uint flags);

    [LibraryImport(Library, EntryPoint = "gnutls_x509_privkey_deinit")]
    public static partial void FreeKey(nint key);

    [LibraryImport(Library, EntryPoint = "gnutls_certificate_set_verify_function")]
    public static partial void SetVerifyFunction(nint credentials, delegate* unmanaged[Cdecl]<nint, int> function);

    [LibraryImport(Library, EntryPoint = "gnutls_certificate_server_set_request")]
    public static partial void SetCertificateRequest(nint session, int request);

    [LibraryImport(Library, EntryPoint = "gnutls_certificate_get_peers")]
    public static partial Datum* GetPeerCertificates(nint session, uint* count);

    [LibraryImport(Library, EntryPoint = "gnutls_handshake_set_post_client_hello_function")]
    public static partial void SetClientHelloFunction(nint session, delegate* unmanaged[Cdecl]<nint, int> function);

    [LibraryImport(Library, EntryPoint = "gnutls_handshake_set_max_packet_length")]
    public static partial void SetMaxHandshakeMessage(nint session, nuint bytes);

    [LibraryImport(Library, EntryPoint = "gnutls_init")]
    public static partial int Init(nint* session, uint flags);

    [LibraryImport(Library, EntryPoint = "gnutls_deinit")]
    public static partial void Free(nint session);

    [LibraryImport(Library, EntryPoint = "gnutls_priority_init2")]
    public static partial int InitPriority(nint* priority, byte* text, byte** errorPosition, uint flags);

    [LibraryImport(Library, EntryPoint = "gnutls_priority_deinit")]
    public static partial void FreePriority(nint priority);

    [LibraryImport(Library, EntryPoint = "gnutls_priority_set")]
    public static partial int SetPriority(nint session, nint priority);

    [LibraryImport(Library, EntryPoint = "gnutls_credentials_set")]
    public static partial int SetCredentials(nint session, int type, nint credentials);

    [LibraryImport(Library, EntryPoint = "gnutls_alpn_set_protocols")]
    public static partial int SetAlpn(nint session, Datum* protocols, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "gnutls_session_set_ptr")]
    public static partial void SetSessionPointer(nint session, void* pointer);

    [LibraryImport(Library, EntryPoint = "gnutls_session_get_ptr")]
    public static partial void* GetSessionPointer(nint session);

    [LibraryImport(Library, EntryPoint = "gnutls_server_name_set")]
    public static partial int SetServerName(nint session, int type, byte* name, nuint length);

    [LibraryImport(Library, EntryPoint = "gnutls_server_name_get")]
    public static partial int GetServerName(nint session, byte* name, nuint* length, uint* type, uint index);

    [LibraryImport(Library, EntryPoint = "gnutls_strerror")]
    public static partial byte* ErrorText(int error);

    /// <summary>The library's word for an error.</summary>
    public static string Describe(int error) => Marshal.PtrToStringUTF8((nint)ErrorText(error)) ?? "";
}
