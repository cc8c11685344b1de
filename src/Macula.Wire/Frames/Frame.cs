namespace Macula.Wire.Frames;

/// <summary>A frame as it came from a stream, its body not looked at.</summary>
/// <param name="Type">What the frame is; possibly a number that this version does not know.</param>
/// <param name="Body">What followed the header: for every known type one MessagePack value. Whoever receives the frame owns this memory.</param>
public readonly record struct Frame(FrameType Type, ReadOnlyMemory<byte> Body);
