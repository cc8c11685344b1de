using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>Asks a holder to push what changes under a key, for a while; again before that is over, or ends it (docs/protocol/03-frames.md [FRM-52]).</summary>
// array: bin key | uint lease (ms) | elements of newer nodes
public sealed record WatchFrame
{
    /// <summary>The longest lease: 10 minutes.</summary>
    public static TimeSpan MaxLease { get; } = TimeSpan.FromMinutes(10);

    private const int FieldCount = 2;

    /// <summary>Makes the request.</summary>
    /// <param name="key">What to watch.</param>
    /// <param name="lease">For how long, at most <see cref="MaxLease"/>, cut to whole milliseconds; zero ends the watch.</param>
    /// <exception cref="ArgumentOutOfRangeException">The lease is negative or longer.</exception>
    public WatchFrame(DhtKey key, TimeSpan lease)
    {
        Key = key;
        Lease = LeaseField.Check(lease);
    }

    /// <summary>What to watch.</summary>
    public DhtKey Key { get; }

    /// <summary>For how long; zero ends the watch.</summary>
    public TimeSpan Lease { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.Watch, FieldCount, PointField.EncodedBytes + LeaseField.EncodedBytes(Lease));
        PointField.Write(writer, Key);
        LeaseField.Write(writer, Lease);
    }

    /// <summary>Reads the body of the request.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The request; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out WatchFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static WatchFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        PointField.TryReadKey(ref reader, out var key)
            && LeaseField.TryRead(ref reader, out var lease)
            ? new WatchFrame(key, lease) : null;
}
