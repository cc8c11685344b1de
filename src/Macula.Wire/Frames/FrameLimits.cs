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

    internal static readonly MessagePackLimits Body = new() { MaxBytes = MaxBodyBytes };
}
