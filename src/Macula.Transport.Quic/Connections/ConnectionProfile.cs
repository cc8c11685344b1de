using System.Runtime.InteropServices;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Connections;

/// <summary>What every connection of an endpoint offers and asks for (docs/protocol/02-transport.md).</summary>
internal static unsafe class ConnectionProfile
{
    /// <summary>Largest packet of a mesh connection, so that it fits every carrier, wrapped in another connection's datagram included.</summary>
    public const int MaxPacketBytes = 1_400;

    // Sizes to try beyond the 1,200 bytes that every path carries (RFC 8899). The library keeps no copy.
    private static readonly ushort* Probes = AllocateProbes();

    public static ConnectionSettings Settings(EndpointOptions options, ulong now)
    {
        ConnectionSettings settings;
        Ngtcp2.SettingsDefault(Ngtcp2.SettingsVersion, &settings);
        settings.InitialTimestamp = now;
        settings.HandshakeTimeout = Nanoseconds(options.HandshakeTimeout);
        settings.MaxTxUdpPayloadSize = MaxPacketBytes;

        // ngtcp2 1.11 aborts in one order of migrations when probing is off; it stays on.
        settings.NoPmtud = 0;
        settings.PmtudProbes = Probes;
        settings.PmtudProbesLength = 1;
        return settings;
    }

    public static TransportParameters Parameters(EndpointOptions options)
    {
        // Datagrams of any size that a packet holds.
        const ulong MaxDatagramFrameBytes = 65_535;

        // The path never changes for QUIC, so one spare id is enough; each costs a table entry.
        const ulong ActiveConnectionIds = 2;

        TransportParameters parameters;
        Ngtcp2.ParametersDefault(Ngtcp2.ParametersVersion, &parameters);
        parameters.MaxStreamDataBidiLocal = (ulong)options.StreamReceiveWindowBytes;
        parameters.MaxStreamDataBidiRemote = (ulong)options.StreamReceiveWindowBytes;
        parameters.MaxStreamDataUni = (ulong)options.StreamReceiveWindowBytes;
        parameters.MaxData = (ulong)options.ConnectionReceiveWindowBytes;
        parameters.MaxStreamsBidi = (ulong)options.MaxIncomingStreams;
        parameters.MaxStreamsUni = (ulong)options.MaxIncomingStreams;
        parameters.MaxIdleTimeout = Nanoseconds(options.IdleTimeout);
        parameters.MaxDatagramFrameSize = MaxDatagramFrameBytes;
        parameters.ActiveConnectionIdLimit = ActiveConnectionIds;
        parameters.DisableActiveMigration = 1;

        // RFC 9287 would let the other side clear the bit that tells QUIC from STUN and probes on this socket (RFC 9443 §3).
        parameters.GreaseQuicBit = 0;
        return parameters;
    }

    public static ulong Nanoseconds(TimeSpan duration) => (ulong)duration.TotalMilliseconds * 1_000_000;

    private static ushort* AllocateProbes()
    {
        var probes = (ushort*)NativeMemory.Alloc(sizeof(ushort));
        *probes = MaxPacketBytes;
        return probes;
    }
}
