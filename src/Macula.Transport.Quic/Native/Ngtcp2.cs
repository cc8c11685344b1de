using System.Runtime.InteropServices;

namespace Macula.Transport.Quic.Native;

/// <summary>The functions of libngtcp2 that this transport calls. All of them on the loop's thread; none inside a callback unless said.</summary>
internal static unsafe partial class Ngtcp2
{
    public const string Library = "libngtcp2.so.16";

    public const int CallbackVersion = 1;
    public const int SettingsVersion = 2;
    public const int ParametersVersion = 1;
    public const int PacketMarkVersion = 1;
    public const int MeasuresVersion = 1;

    /// <summary>QUIC version 1 (RFC 9000 §15).</summary>
    public const uint QuicVersion1 = 1;

    /// <summary>NGTCP2_PKT_INITIAL.</summary>
    public const byte PacketTypeInitial = 0x10;

    public const uint WriteMore = 1;
    public const uint WriteFin = 2;
    public const uint StreamDataFin = 1;
    public const uint StreamCloseCodeSet = 1;

    /// <summary>NGTCP2_TOKEN_TYPE_RETRY.</summary>
    public const int TokenTypeRetry = 1;

    [LibraryImport(Library, EntryPoint = "ngtcp2_version")]
    public static partial LibraryVersion* Version(int leastVersion);

    [LibraryImport(Library, EntryPoint = "ngtcp2_pkt_decode_version_cid")]
    public static partial int DecodeInvariantHeader(InvariantHeader* header, byte* packet, nuint length, nuint shortHeaderIdLength);

    [LibraryImport(Library, EntryPoint = "ngtcp2_accept")]
    public static partial int Accept(PacketHeader* header, byte* packet, nuint length);

    [LibraryImport(Library, EntryPoint = "ngtcp2_pkt_write_version_negotiation")]
    public static partial nint WriteVersionNegotiation(
        byte* target, nuint targetLength, byte unusedRandom, byte* dcid, nuint dcidLength, byte* scid, nuint scidLength, uint* versions, nuint versionCount);

    [LibraryImport(Library, EntryPoint = "ngtcp2_pkt_write_stateless_reset")]
    public static partial nint WriteStatelessReset(byte* target, nuint targetLength, byte* token, byte* random, nuint randomLength);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_client_new_versioned")]
    public static partial int NewClient(
        nint* connection, NativeCid* dcid, NativeCid* scid, NativePath* path, uint version, int callbackVersion, CallbackTable* callbacks,
        int settingsVersion, ConnectionSettings* settings, int parametersVersion, TransportParameters* parameters, void* memory, nint user);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_server_new_versioned")]
    public static partial int NewServer(
        nint* connection, NativeCid* dcid, NativeCid* scid, NativePath* path, uint version, int callbackVersion, CallbackTable* callbacks,
        int settingsVersion, ConnectionSettings* settings, int parametersVersion, TransportParameters* parameters, void* memory, nint user);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_del")]
    public static partial void Delete(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_read_pkt_versioned")]
    public static partial int ReadPacket(nint connection, NativePath* path, int markVersion, PacketMark* mark, byte* packet, nuint length, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_writev_stream_versioned")]
    public static partial nint WriteStream(
        nint connection, NativePath* path, int markVersion, PacketMark* mark, byte* target, nuint targetLength,
        nint* accepted, uint flags, long streamId, NativeVector* vectors, nuint vectorCount, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_writev_datagram_versioned")]
    public static partial nint WriteDatagram(
        nint connection, NativePath* path, int markVersion, PacketMark* mark, byte* target, nuint targetLength,
        int* accepted, uint flags, ulong datagramId, NativeVector* vectors, nuint vectorCount, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_write_connection_close_versioned")]
    public static partial nint WriteConnectionClose(
        nint connection, NativePath* path, int markVersion, PacketMark* mark, byte* target, nuint targetLength, CloseError* error, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_handle_expiry")]
    public static partial int HandleExpiry(nint connection, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_expiry"), SuppressGCTransition]
    public static partial ulong GetExpiry(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_send_quantum"), SuppressGCTransition]
    public static partial nuint GetSendQuantum(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_path_max_tx_udp_payload_size"), SuppressGCTransition]
    public static partial nuint GetPacketSize(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_max_data_left"), SuppressGCTransition]
    public static partial ulong GetConnectionCredit(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_streams_bidi_left"), SuppressGCTransition]
    public static partial ulong GetBidiStreamsLeft(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_streams_uni_left"), SuppressGCTransition]
    public static partial ulong GetUniStreamsLeft(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_update_pkt_tx_time"), SuppressGCTransition]
    public static partial void UpdatePacketTxTime(nint connection, ulong now);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_conn_info_versioned"), SuppressGCTransition]
    public static partial void GetMeasures(nint connection, int version, ConnectionMeasures* measures);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_remote_transport_params")]
    public static partial TransportParameters* GetRemoteParameters(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_set_tls_native_handle")]
    public static partial void SetTlsSession(nint connection, nint session);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_tls_alert")]
    public static partial byte GetTlsAlert(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_set_keep_alive_timeout")]
    public static partial void SetKeepAlive(nint connection, ulong interval);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_open_bidi_stream")]
    public static partial int OpenBidiStream(nint connection, long* streamId, nint user);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_open_uni_stream")]
    public static partial int OpenUniStream(nint connection, long* streamId, nint user);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_extend_max_stream_offset")]
    public static partial int ExtendStreamCredit(nint connection, long streamId, ulong bytes);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_extend_max_offset")]
    public static partial void ExtendConnectionCredit(nint connection, ulong bytes);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_extend_max_streams_bidi")]
    public static partial void ExtendBidiStreams(nint connection, nuint count);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_extend_max_streams_uni")]
    public static partial void ExtendUniStreams(nint connection, nuint count);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_shutdown_stream_write")]
    public static partial int ResetStream(nint connection, uint flags, long streamId, ulong code);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_shutdown_stream_read")]
    public static partial int StopStream(nint connection, uint flags, long streamId, ulong code);

    [LibraryImport(Library, EntryPoint = "ngtcp2_settings_default_versioned")]
    public static partial void SettingsDefault(int version, ConnectionSettings* settings);

    [LibraryImport(Library, EntryPoint = "ngtcp2_transport_params_default_versioned")]
    public static partial void ParametersDefault(int version, TransportParameters* parameters);

    [LibraryImport(Library, EntryPoint = "ngtcp2_ccerr_default")]
    public static partial void CloseErrorDefault(CloseError* error);

    [LibraryImport(Library, EntryPoint = "ngtcp2_ccerr_set_liberr")]
    public static partial void CloseErrorSetLibrary(CloseError* error, int libraryError, byte* reason, nuint reasonLength);

    [LibraryImport(Library, EntryPoint = "ngtcp2_ccerr_set_tls_alert")]
    public static partial void CloseErrorSetAlert(CloseError* error, byte alert, byte* reason, nuint reasonLength);

    [LibraryImport(Library, EntryPoint = "ngtcp2_ccerr_set_application_error")]
    public static partial void CloseErrorSetApplication(CloseError* error, ulong code, byte* reason, nuint reasonLength);

    [LibraryImport(Library, EntryPoint = "ngtcp2_conn_get_ccerr")]
    public static partial CloseError* GetCloseError(nint connection);

    [LibraryImport(Library, EntryPoint = "ngtcp2_strerror")]
    public static partial byte* ErrorText(int error);
}

/// <summary>What functions of ngtcp2 return when they do not succeed.</summary>
internal static class Ngtcp2Error
{
    public const int InvalidArgument = -201;
    public const int InvalidState = -204;
    public const int StreamDataBlocked = -208;
    public const int Crypto = -213;
    public const int StreamShutWrite = -219;
    public const int StreamNotFound = -220;
    public const int Closing = -223;
    public const int Draining = -224;
    public const int ReceiveVersionNegotiation = -222;
    public const int WriteMore = -230;
    public const int Retry = -231;
    public const int DropConnection = -232;
    public const int VersionNegotiation = -235;
    public const int HandshakeTimeout = -236;
    public const int IdleClose = -238;
    public const int CallbackFailure = -502;

    /// <summary>The library's word for an error.</summary>
    public static unsafe string Describe(int error) => Marshal.PtrToStringUTF8((nint)Ngtcp2.ErrorText(error)) ?? "";
}
