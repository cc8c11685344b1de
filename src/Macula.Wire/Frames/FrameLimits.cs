using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>How long frames may be, in bytes of their body (docs/protocol/03-frames.md [FRM-3]).</summary>
public static class FrameLimits
{
    /// <summary>Most bytes of a frame's body on a bidirectional stream: a payload of 1 MiB and 4 KiB for what stands around it.</summary>
    // The fields around an argument take less than 400 bytes; the rest is room for elements that newer nodes append.
    public const int MaxBodyBytes = Payload.MaxBytes + (4 * 1024);

    /// <summary>Most bytes of a frame's body on a control stream: 64 KiB.</summary>
    // Eight times a hello: room for frames that newer nodes send there, which are read and passed over.
    public const int MaxControlBodyBytes = 64 * 1024;

    /// <summary>Most bytes of a hello's body: 8 KiB.</summary>
    // A hello with every field at its limit takes less than 4.5 KiB; the rest is room for keys of newer nodes.
    public const int MaxHelloBodyBytes = 8 * 1024;

    /// <summary>Most bytes of the body of a frame of the DHT, RECORDS and PUSH apart: 8 KiB.</summary>
    // The longest, twenty contacts with all their addresses or a certificate, take less than 4.5 KiB.
    public const int MaxDhtBodyBytes = 8 * 1024;

    /// <summary>Most bytes of the body of a RECORDS or PUSH frame: 256 KiB.</summary>
    // A full page of records with their lengths and twenty contacts takes less than 200 KiB.
    public const int MaxRecordsBodyBytes = 256 * 1024;

    /// <summary>Most bytes that the body of a frame of this type may have, wherever it stands.</summary>
    public static int MaxBodyBytesOf(FrameType type) => type switch
    {
        FrameType.Hello => MaxHelloBodyBytes,
        FrameType.Records or FrameType.Push => MaxRecordsBodyBytes,
        FrameType.Ping or FrameType.FindNode or FrameType.FindValue or FrameType.Store or FrameType.Watch or FrameType.GetCertificate => MaxDhtBodyBytes,
        FrameType.Done or FrameType.Nodes or FrameType.Stored or FrameType.Watching or FrameType.Certificate => MaxDhtBodyBytes,
        _ => MaxBodyBytes,
    };

    internal static readonly MessagePackLimits Body = new() { MaxBytes = MaxBodyBytes };
}
