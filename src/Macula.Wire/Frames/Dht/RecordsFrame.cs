using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>One page of the records under a key, and the nodes nearest to it (docs/protocol/03-frames.md [FRM-49]).</summary>
// array: array of bin record | bin last publisher or nil | array of contact | elements of newer nodes
public sealed class RecordsFrame
{
    /// <summary>Most records of a page.</summary>
    public const int MaxRecords = 512;

    /// <summary>Most bytes of a page's records together: 192 KiB.</summary>
    // A page stays far below what delays other streams of the connection; ten thousand records of 350 bytes are nineteen pages.
    public const int MaxPageBytes = 192 * 1024;

    private const int FieldCount = 3;

    /// <summary>Makes the answer.</summary>
    /// <param name="records">The records' bytes, at most <see cref="MaxRecords"/> and <see cref="MaxPageBytes"/>, in the order of their publishers' ids.</param>
    /// <param name="next">The last publisher of this page when another page follows; null when none does.</param>
    /// <param name="contacts">At most <see cref="NodesFrame.MaxContacts"/> nodes, nearest first; empty on later pages.</param>
    /// <exception cref="ArgumentException">There is more of something than may be.</exception>
    public RecordsFrame(ImmutableArray<ReadOnlyMemory<byte>> records, NodeId? next, ImmutableArray<Contact> contacts)
    {
        RecordList.ThrowIfTooLong(records);
        ContactList.ThrowIfTooLong(contacts);
        Records = records;
        Next = next;
        Contacts = contacts;
    }

    /// <summary>The records as they came; each is read with <see cref="SignedRecord.TryRead"/>, so that a bad one does not cost the others.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Records { get; }

    /// <summary>Where the next page begins: after this publisher; null when this page is the last.</summary>
    public NodeId? Next { get; }

    /// <summary>The nodes nearest to the key, as far as the answering one knows.</summary>
    public ImmutableArray<Contact> Contacts { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var bytes = RecordList.EncodedBytes(Records) + PointField.EncodedBytesOf(Next) + ContactList.EncodedBytes(Contacts);
        var writer = FrameFields.Begin(output, FrameType.Records, FieldCount, bytes);
        RecordList.Write(writer, Records);
        PointField.WriteOrNil(writer, Next);
        ContactList.Write(writer, Contacts);
    }

    /// <summary>Reads the body of the answer.</summary>
    /// <param name="body">The frame's body; the records share its memory.</param>
    /// <param name="frame">The answer; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out RecordsFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static RecordsFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        RecordList.TryRead(ref reader, body, out var records)
            && PointField.TryReadNodeOrNil(ref reader, out var next)
            && ContactList.TryRead(ref reader, out var contacts)
            ? new RecordsFrame(records, next, contacts) : null;
}
