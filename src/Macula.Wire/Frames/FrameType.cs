namespace Macula.Wire.Frames;

/// <summary>What a frame is (docs/protocol/03-frames.md [FRM-2]). Numbers that are not named here come from newer nodes.</summary>
public enum FrameType : ulong
{
    /// <summary>Versions and features of a node; the first frame of its control stream.</summary>
    Hello = 0x01,

    /// <summary>A procedure and its argument; the first frame of a bidirectional stream.</summary>
    Call = 0x10,

    /// <summary>What a call returned.</summary>
    Result = 0x11,

    /// <summary>Why a call returned nothing.</summary>
    Error = 0x12,
}
