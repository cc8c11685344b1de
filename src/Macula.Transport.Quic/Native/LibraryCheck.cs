using System.Runtime.InteropServices;

namespace Macula.Transport.Quic.Native;

/// <summary>Makes sure, before the first connection, that the libraries are there, of a tested version, and laid out as this code takes them to be.</summary>
internal static unsafe class LibraryCheck
{
    // Struct layouts and the behaviour that this code relies on were tested with 1.11; a neighbour may differ in either.
    private static readonly Version OldestTested = new(1, 11, 0);
    private static readonly Version NewestTested = new(1, 11, int.MaxValue);

    /// <summary>The version of ngtcp2 that is loaded.</summary>
    public static string VersionText => Marshal.PtrToStringUTF8((nint)Ngtcp2.Version(0)->Text) ?? "";

    /// <summary>Checks once for every endpoint; costs a few microseconds after the first time.</summary>
    /// <exception cref="TransportUnavailableException">Something is missing or does not fit; the message says what to do.</exception>
    public static void Run()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64))
        {
            throw new TransportUnavailableException(
                $"QUIC needs Linux on x64 or arm64; this is {RuntimeInformation.OSDescription} on {RuntimeInformation.ProcessArchitecture}. "
                + "Run this node in a Linux container, or connect to a gateway instead.");
        }

        Load(GnuTls.Library, "libgnutls30");
        Load(Ngtcp2.Library, "libngtcp2-16");
        Load(Ngtcp2Crypto.Library, "libngtcp2-crypto-gnutls8");
        CheckVersion();
        CheckLayout();
    }

    private static void Load(string library, string package)
    {
        if (!NativeLibrary.TryLoad(library, typeof(LibraryCheck).Assembly, DllImportSearchPath.SafeDirectories, out _))
        {
            throw new TransportUnavailableException(
                $"QUIC needs the library {library}, which is not installed. Install the package {package} (Debian: apt-get install libngtcp2-16 libngtcp2-crypto-gnutls8; "
                + "on Debian 12 they come from the suite bookworm-backports). Linux on x64 or arm64 is needed.");
        }
    }

    private static void CheckVersion()
    {
        var number = Ngtcp2.Version(0)->Number;
        var version = new Version(number >> 16 & 0xFF, number >> 8 & 0xFF, number & 0xFF);
        if (version < OldestTested || version > NewestTested)
        {
            throw new TransportUnavailableException($"The library {Ngtcp2.Library} has version {version}; this transport was tested with {OldestTested.ToString(2)}. Install libngtcp2-16 of that version.");
        }
    }

    private static void CheckLayout()
    {
        ConnectionSettings settings;
        TransportParameters parameters;
        Expect(sizeof(NativeCid), 32, "ngtcp2_cid");
        Expect(sizeof(PacketHeader), 112, "ngtcp2_pkt_hd");
        Expect(sizeof(InvariantHeader), 40, "ngtcp2_version_cid");
        Expect(sizeof(NativePath), 40, "ngtcp2_path");
        Expect(sizeof(ConnectionSettings), 184, "ngtcp2_settings");
        Expect(sizeof(PreferredAddress), 96, "ngtcp2_preferred_addr");
        Expect(sizeof(TransportParameters), 344, "ngtcp2_transport_params");
        Expect(sizeof(CallbackTable), 320, "ngtcp2_callbacks");
        Expect(sizeof(CloseError), 40, "ngtcp2_ccerr");
        Expect(sizeof(ConnectionMeasures), 56, "ngtcp2_conn_info");
        Expect(sizeof(MessageHeader), 56, "msghdr");
        Expect(sizeof(BatchedMessage), 64, "mmsghdr");
        Expect(sizeof(NativeAddress), NativeAddress.MaxBytes, "sockaddr_in6");
        Expect(Offset(&settings, &settings.HandshakeTimeout), 112, "ngtcp2_settings.handshake_timeout");
        Expect(Offset(&settings, &settings.NoPmtud), 156, "ngtcp2_settings.no_pmtud");
        Expect(Offset(&settings, &settings.PmtudProbes), 168, "ngtcp2_settings.pmtud_probes");
        Expect(Offset(&parameters, &parameters.MaxData), 216, "ngtcp2_transport_params.initial_max_data");
        Expect(Offset(&parameters, &parameters.ResetTokenPresent), 288, "ngtcp2_transport_params.stateless_reset_token_present");
        Expect(Offset(&parameters, &parameters.GreaseQuicBit), 310, "ngtcp2_transport_params.grease_quic_bit");

        // The library fills in what it takes the layout to be; a default that stands elsewhere means that it differs.
        Ngtcp2.SettingsDefault(Ngtcp2.SettingsVersion, &settings);
        Ngtcp2.ParametersDefault(Ngtcp2.ParametersVersion, &parameters);
        const ulong DefaultInitialRtt = 333_000_000;
        Expect((long)settings.InitialRtt, (long)DefaultInitialRtt, "the default of ngtcp2_settings.initial_rtt");
        Expect((long)parameters.AckDelayExponent, 3, "the default of ngtcp2_transport_params.ack_delay_exponent");
    }

    private static long Offset(void* start, void* field) => (byte*)field - (byte*)start;

    private static void Expect(long actual, long expected, string what)
    {
        if (actual != expected)
        {
            throw new TransportUnavailableException($"ngtcp2 {VersionText} is laid out otherwise than this transport takes it to be: {what} is {actual}, not {expected}. Please report this.");
        }
    }
}
