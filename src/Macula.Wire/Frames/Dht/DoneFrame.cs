using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>Answers a ping, a push or a lane of events: the node is there and has taken what was sent (docs/protocol/03-frames.md [FRM-45]).</summary>
// array: elements of newer nodes
public sealed record DoneFrame
{
    /// <summary>Writes the frame with its header.</summary>
#pragma warning disable CA1822 // Every frame is written by its own instance, also the one that has no fields today.
    public void Write(IBufferWriter<byte> output) => FrameFields.Begin(output, FrameType.Done, fieldCount: 0, fieldBytes: 0);
#pragma warning restore CA1822

    /// <summary>Reads the body.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The answer; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out DoneFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, fieldCount: 0, ReadFields, out frame, out error);

    private static DoneFrame ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) => new();
}
