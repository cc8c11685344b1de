using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>The nodes nearest to a point that the answering one knows (docs/protocol/03-frames.md [FRM-47]).</summary>
// array: array of contact | elements of newer nodes
public sealed class NodesFrame
{
    /// <summary>Most contacts of an answer: k of Kademlia.</summary>
    public const int MaxContacts = 20;

    private const int FieldCount = 1;

    /// <summary>Makes the answer.</summary>
    /// <param name="contacts">At most <see cref="MaxContacts"/> nodes, nearest first.</param>
    /// <exception cref="ArgumentException">There are more.</exception>
    public NodesFrame(ImmutableArray<Contact> contacts)
    {
        ContactList.ThrowIfTooLong(contacts);
        Contacts = contacts;
    }

    /// <summary>The nodes, nearest first if the answering one is honest.</summary>
    public ImmutableArray<Contact> Contacts { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output) =>
        ContactList.Write(FrameFields.Begin(output, FrameType.Nodes, FieldCount, ContactList.EncodedBytes(Contacts)), Contacts);

    /// <summary>Reads the body of the answer.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The answer; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out NodesFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static NodesFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        ContactList.TryRead(ref reader, out var contacts) ? new NodesFrame(contacts) : null;
}
