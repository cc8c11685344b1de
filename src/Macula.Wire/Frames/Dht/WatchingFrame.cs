using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames.Dht;

/// <summary>Whether a watch went on without a gap.</summary>
public enum WatchContinuity
{
    /// <summary>The watch begins now: what changed before has to be asked for.</summary>
    Begun = 0,

    /// <summary>The watch was there: every change since it began was pushed.</summary>
    Renewed = 1,
}

/// <summary>Answers a WATCH (docs/protocol/03-frames.md [FRM-53]).</summary>
// array: uint lease (ms) | uint continuity | elements of newer nodes
public sealed record WatchingFrame
{
    private const int FieldCount = 2;

    /// <summary>Makes the answer.</summary>
    /// <param name="lease">For how long from now, at most <see cref="WatchFrame.MaxLease"/>, cut to whole milliseconds; zero when the watch has ended.</param>
    /// <param name="continuity">Whether the watch was there before.</param>
    /// <exception cref="ArgumentOutOfRangeException">The lease is negative or longer.</exception>
    public WatchingFrame(TimeSpan lease, WatchContinuity continuity)
    {
        Lease = LeaseField.Check(lease);
        Continuity = continuity;
    }

    /// <summary>For how long from now; zero when the watch has ended.</summary>
    public TimeSpan Lease { get; }

    /// <summary>Whether the watch was there before; a number that is not known is read as begun, the cautious reading.</summary>
    public WatchContinuity Continuity { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.Watching, FieldCount, LeaseField.EncodedBytes(Lease) + EncodedBytes.OfInteger((ulong)Continuity));
        LeaseField.Write(writer, Lease);
        writer.WriteInteger((ulong)Continuity);
    }

    /// <summary>Reads the body of the answer.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The answer; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out WatchingFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static WatchingFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        LeaseField.TryRead(ref reader, out var lease)
            && reader.TryReadUInt64(out var continuity)
            ? new WatchingFrame(lease, continuity == (ulong)WatchContinuity.Renewed ? WatchContinuity.Renewed : WatchContinuity.Begun) : null;
}
