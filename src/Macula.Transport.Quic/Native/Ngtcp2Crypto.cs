using System.Runtime.InteropServices;

namespace Macula.Transport.Quic.Native;

/// <summary>The functions of libngtcp2_crypto_gnutls, which joins ngtcp2 with GnuTLS.</summary>
internal static unsafe partial class Ngtcp2Crypto
{
    public const string Library = "libngtcp2_crypto_gnutls.so.8";

    /// <summary>NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2, rounded up.</summary>
    public const int MaxRetryTokenBytes = 256;

    [LibraryImport(Library, EntryPoint = "ngtcp2_crypto_gnutls_configure_server_session")]
    public static partial int ConfigureServer(nint session);

    [LibraryImport(Library, EntryPoint = "ngtcp2_crypto_gnutls_configure_client_session")]
    public static partial int ConfigureClient(nint session);

    [LibraryImport(Library, EntryPoint = "ngtcp2_crypto_generate_stateless_reset_token")]
    public static partial int GenerateResetToken(byte* token, byte* secret, nuint secretLength, NativeCid* cid);

    [LibraryImport(Library, EntryPoint = "ngtcp2_crypto_generate_retry_token2")]
    public static partial nint GenerateRetryToken(
        byte* token, byte* secret, nuint secretLength, uint version, void* remote, uint remoteLength, NativeCid* retryScid, NativeCid* originalDcid, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_crypto_verify_retry_token2")]
    public static partial int VerifyRetryToken(
        NativeCid* originalDcid, byte* token, nuint tokenLength, byte* secret, nuint secretLength, uint version,
        void* remote, uint remoteLength, NativeCid* dcid, ulong timeout, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_crypto_write_retry")]
    public static partial nint WriteRetry(
        byte* target, nuint targetLength, uint version, NativeCid* dcid, NativeCid* scid, NativeCid* originalDcid, byte* token, nuint tokenLength);
}
