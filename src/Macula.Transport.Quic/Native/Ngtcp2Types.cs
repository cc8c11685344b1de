using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Macula.Transport.Quic.Native;

// The structs of ngtcp2 1.11 (settings V2, transport parameters V1, callbacks V1) on 64-bit Linux. Field order is the library's;
// LibraryCheck asserts sizes and the offsets that padding could move. Fields that this code never touches are there for their place.
#pragma warning disable CS0649, IDE0051

/// <summary>ngtcp2_cid: a connection id of up to 20 bytes.</summary>
internal unsafe struct NativeCid
{
    public nuint Length;
    public fixed byte Bytes[20];
}

/// <summary>ngtcp2_vec: a range of bytes to send.</summary>
internal unsafe struct NativeVector
{
    public byte* Start;
    public nuint Length;
}

/// <summary>ngtcp2_pkt_info: the ECN mark of a packet.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct PacketMark
{
    public byte Ecn;
}

/// <summary>ngtcp2_pkt_hd: a decoded packet header.</summary>
internal unsafe struct PacketHeader
{
    public NativeCid Destination;
    public NativeCid Source;
    public long PacketNumber;
    public byte* Token;
    public nuint TokenLength;
    public nuint PacketNumberLength;
    public nuint Length;
    public uint Version;
    public byte Type;
    public byte Flags;
}

/// <summary>ngtcp2_version_cid: what every version shows of a packet (RFC 8999).</summary>
internal unsafe struct InvariantHeader
{
    public uint Version;
    public byte* Destination;
    public nuint DestinationLength;
    public byte* Source;
    public nuint SourceLength;
}

/// <summary>ngtcp2_addr: a socket address by pointer.</summary>
internal unsafe struct AddressPointer
{
    public void* Address;
    public uint Length;
}

/// <summary>ngtcp2_path: the two ends of a path.</summary>
internal unsafe struct NativePath
{
    public AddressPointer Local;
    public AddressPointer Remote;
    public void* UserPointer;
}

/// <summary>ngtcp2_preferred_addr.</summary>
internal unsafe struct PreferredAddress
{
    public NativeCid Cid;
    public fixed byte V4[16];
    public fixed byte V6[28];
    public byte V4Present;
    public byte V6Present;
    public fixed byte Token[16];
}

/// <summary>ngtcp2_version_info.</summary>
internal unsafe struct VersionChoice
{
    public uint Chosen;
    public byte* Available;
    public nuint AvailableLength;
}

/// <summary>ngtcp2_transport_params, version 1 (RFC 9000 §18.2). Durations in nanoseconds.</summary>
internal unsafe struct TransportParameters
{
    public PreferredAddress PreferredAddress;
    public NativeCid OriginalDestination;
    public NativeCid InitialSource;
    public NativeCid RetrySource;
    public ulong MaxStreamDataBidiLocal;
    public ulong MaxStreamDataBidiRemote;
    public ulong MaxStreamDataUni;
    public ulong MaxData;
    public ulong MaxStreamsBidi;
    public ulong MaxStreamsUni;
    public ulong MaxIdleTimeout;
    public ulong MaxUdpPayloadSize;
    public ulong ActiveConnectionIdLimit;
    public ulong AckDelayExponent;
    public ulong MaxAckDelay;
    public ulong MaxDatagramFrameSize;
    public byte ResetTokenPresent;
    public byte DisableActiveMigration;
    public byte OriginalDestinationPresent;
    public byte InitialSourcePresent;
    public byte RetrySourcePresent;
    public byte PreferredAddressPresent;
    public fixed byte ResetToken[16];
    public byte GreaseQuicBit;
    public VersionChoice VersionChoice;
    public byte VersionChoicePresent;
}

/// <summary>ngtcp2_settings, version 2. Durations in nanoseconds.</summary>
internal unsafe struct ConnectionSettings
{
    public void* QlogWrite;
    public int CongestionControl;
    public ulong InitialTimestamp;
    public ulong InitialRtt;
    public void* LogPrintf;
    public nuint MaxTxUdpPayloadSize;
    public byte* Token;
    public nuint TokenLength;
    public int TokenType;
    public void* RandomContext;
    public ulong MaxWindow;
    public ulong MaxStreamWindow;
    public nuint AckThreshold;
    public byte NoTxUdpPayloadSizeShaping;
    public ulong HandshakeTimeout;
    public uint* PreferredVersions;
    public nuint PreferredVersionsLength;
    public uint* AvailableVersions;
    public nuint AvailableVersionsLength;
    public uint OriginalVersion;
    public byte NoPmtud;
    public uint InitialPacketNumber;
    public ushort* PmtudProbes;
    public nuint PmtudProbesLength;
}

/// <summary>ngtcp2_ccerr: why a connection is closed.</summary>
internal unsafe struct CloseError
{
    public CloseErrorType Type;
    public ulong Code;
    public ulong FrameType;
    public byte* Reason;
    public nuint ReasonLength;
}

/// <summary>ngtcp2_ccerr_type.</summary>
internal enum CloseErrorType
{
    Transport = 0,
    Application = 1,
    VersionNegotiation = 2,
    IdleClose = 3,
    DropConnection = 4,
    Retry = 5,
}

/// <summary>ngtcp2_conn_info, version 1. Durations in nanoseconds.</summary>
internal struct ConnectionMeasures
{
    public ulong LatestRtt;
    public ulong MinRtt;
    public ulong SmoothedRtt;
    public ulong RttVariance;
    public ulong CongestionWindow;
    public ulong SlowStartThreshold;
    public ulong BytesInFlight;
}

/// <summary>ngtcp2_info: the version of the library that was loaded.</summary>
internal unsafe struct LibraryVersion
{
    public int Age;
    public int Number;
    public byte* Text;
}

/// <summary>ngtcp2_callbacks, version 1: function pointers in the library's order; zero where there is none.</summary>
internal struct CallbackTable
{
    public nint ClientInitial;
    public nint ReceiveClientInitial;
    public nint ReceiveCryptoData;
    public nint HandshakeCompleted;
    public nint ReceiveVersionNegotiation;
    public nint Encrypt;
    public nint Decrypt;
    public nint HeaderProtectionMask;
    public nint ReceiveStreamData;
    public nint AckedStreamDataOffset;
    public nint StreamOpen;
    public nint StreamClose;
    public nint ReceiveStatelessReset;
    public nint ReceiveRetry;
    public nint ExtendMaxLocalStreamsBidi;
    public nint ExtendMaxLocalStreamsUni;
    public nint Random;
    public nint GetNewConnectionId;
    public nint RemoveConnectionId;
    public nint UpdateKey;
    public nint PathValidation;
    public nint SelectPreferredAddress;
    public nint StreamReset;
    public nint ExtendMaxRemoteStreamsBidi;
    public nint ExtendMaxRemoteStreamsUni;
    public nint ExtendMaxStreamData;
    public nint DestinationIdStatus;
    public nint HandshakeConfirmed;
    public nint ReceiveNewToken;
    public nint DeleteAeadContext;
    public nint DeleteCipherContext;
    public nint ReceiveDatagram;
    public nint AckDatagram;
    public nint LostDatagram;
    public nint GetPathChallengeData;
    public nint StreamStopSending;
    public nint VersionNegotiation;
    public nint ReceiveRxKey;
    public nint ReceiveTxKey;
    public nint EarlyDataRejected;
}
