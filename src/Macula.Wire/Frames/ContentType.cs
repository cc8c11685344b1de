namespace Macula.Wire.Frames;

/// <summary>How the bytes of a payload are to be read (docs/protocol/03-frames.md [FRM-6]).</summary>
public enum ContentType
{
    /// <summary>One MessagePack value.</summary>
    MessagePack = 0,

    /// <summary>One JSON value in UTF-8.</summary>
    Json = 1,

    /// <summary>Bytes that only the two applications understand.</summary>
    Raw = 2,
}
