using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Wire.Frames;

/// <summary>Which event it is: no two of a realm have the same publisher, epoch and sequence.</summary>
/// <param name="Publisher">Who published it.</param>
/// <param name="Epoch">The number that the publisher drew when it started, its hello's instance.</param>
/// <param name="Sequence">The number of the event among all that the publisher has published since; 1 to 2^63 - 1.</param>
public readonly record struct EventId(NodeId Publisher, ulong Epoch, long Sequence);

/// <summary>One event of a publisher, on its way to a subscriber (docs/protocol/03-frames.md [FRM-60] to [FRM-64]).</summary>
// array: str topic | bin publisher | uint epoch | uint sequence | uint published (Unix ms) | uint hops left | uint content type | bin payload
//        | str trace parent or nil | elements of newer nodes
public sealed record EventFrame
{
    /// <summary>Most nodes that may pass an event on, one after another.</summary>
    public const int MaxHopsLeft = 16;

    private const int FieldCount = 9;

    // The last millisecond of the year 9999, beyond which nothing is a time.
    private const long MaxUnixMilliseconds = 253_402_300_799_999;

    /// <summary>Describes an event.</summary>
    /// <param name="topic">What it is about.</param>
    /// <param name="id">Which one it is.</param>
    /// <param name="published">When it was published, by the publisher's clock; in the years 1970 to 9999.</param>
    /// <param name="hopsLeft">How many nodes may pass it on, one after another; 0 (to its receiver alone) to <see cref="MaxHopsLeft"/>.</param>
    /// <param name="payload">What happened.</param>
    /// <param name="traceParent">The publisher's trace as the W3C header <c>traceparent</c> has it, 55 characters; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">Sequence, time or hops are outside their range.</exception>
    /// <exception cref="ArgumentException">The trace parent is not of the W3C's form.</exception>
    public EventFrame(TopicName topic, EventId id, WallTime published, int hopsLeft, Payload payload, string? traceParent = null)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentOutOfRangeException.ThrowIfLessThan(id.Sequence, 1, nameof(id));
        ArgumentOutOfRangeException.ThrowIfNegative(published.UnixMilliseconds, nameof(published));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(published.UnixMilliseconds, MaxUnixMilliseconds, nameof(published));
        ArgumentOutOfRangeException.ThrowIfNegative(hopsLeft);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hopsLeft, MaxHopsLeft);
        Frames.TraceParent.ThrowIfInvalid(traceParent);
        Topic = topic;
        Id = id;
        Published = published;
        HopsLeft = hopsLeft;
        Payload = payload;
        TraceParent = traceParent;
    }

    /// <summary>What it is about.</summary>
    public TopicName Topic { get; }

    /// <summary>Which event it is.</summary>
    public EventId Id { get; }

    /// <summary>When it was published, by the publisher's clock.</summary>
    public WallTime Published { get; }

    /// <summary>How many nodes may still pass it on, one after another.</summary>
    public int HopsLeft { get; }

    /// <summary>What happened.</summary>
    public Payload Payload { get; }

    /// <summary>The publisher's trace as the W3C header <c>traceparent</c> has it; null for none.</summary>
    public string? TraceParent { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var bytes = EncodedBytes.OfString(Topic.Value)
            + PointField.EncodedBytes
            + EncodedBytes.OfInteger(Id.Epoch)
            + EncodedBytes.OfInteger((ulong)Id.Sequence)
            + EncodedBytes.OfInteger((ulong)Published.UnixMilliseconds)
            + EncodedBytes.OfInteger((ulong)HopsLeft)
            + Payload.EncodedBytes
            + Frames.TraceParent.EncodedBytesOf(TraceParent);
        var writer = FrameFields.Begin(output, FrameType.Event, FieldCount, bytes);
        writer.WriteString(Topic.Value);
        PointField.Write(writer, Id.Publisher);
        writer.WriteInteger(Id.Epoch);
        writer.WriteInteger(Id.Sequence);
        writer.WriteInteger(Published.UnixMilliseconds);
        writer.WriteInteger((ulong)HopsLeft);
        Payload.Write(writer);
        Frames.TraceParent.Write(writer, TraceParent);
    }

    /// <summary>Reads the body of an event.</summary>
    /// <param name="body">The frame's body; the payload shares its memory, unless there is much else in it.</param>
    /// <param name="frame">The event; null when the answer is false.</param>
    /// <param name="error">What is wrong; the lane ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out EventFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static EventFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        TryReadTopic(ref reader, out var topic)
            && PointField.TryReadNode(ref reader, out var publisher)
            && reader.TryReadUInt64(out var epoch)
            && TryReadNumber(ref reader, 1, long.MaxValue, SequenceFault, out var sequence)
            && TryReadNumber(ref reader, 0, MaxUnixMilliseconds, PublishedFault, out var published)
            && TryReadNumber(ref reader, 0, MaxHopsLeft, HopsFault, out var hopsLeft)
            && Payload.TryRead(ref reader, body, out var payload)
            && Frames.TraceParent.TryRead(ref reader, out var traceParent)
            ? new EventFrame(topic!, new EventId(publisher, epoch, sequence), new WallTime(published), (int)hopsLeft, payload!, traceParent) : null;

    private static ProtocolError SequenceFault => FrameFault.Malformed("FRM-62", "the sequence of an event is not 1 to 2^63 - 1");

    private static ProtocolError PublishedFault => FrameFault.Malformed("FRM-63", "the time of an event is not in the years 1970 to 9999");

    private static ProtocolError HopsFault => FrameFault.Malformed("FRM-64", "an event has more than 16 hops left");

    private static bool TryReadTopic(ref MessagePackReader reader, out TopicName? topic)
    {
        topic = null;
        // [FRM-60]: a string of any length is a name that breaks the rules, not a frame that does.
        return reader.TryReadUtf8(int.MaxValue, out var name)
            && (TopicName.TryRead(name, out topic) || reader.Fail(new ProtocolError(ErrorCode.InvalidName, "FRM-60", "the topic breaks the rules for names")));
    }

    private static bool TryReadNumber(ref MessagePackReader reader, long least, long most, ProtocolError fault, out long number)
    {
        number = 0;
        if (!reader.TryReadUInt64(out var read))
        {
            return false;
        }

        number = (long)Math.Min(read, long.MaxValue);
        return (read <= (ulong)most && number >= least) || reader.Fail(fault);
    }
}
