using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>Asks for the nodes nearest to a point that the asked one knows (docs/protocol/03-frames.md [FRM-46]).</summary>
// array: bin target | array of bin sender's address | elements of newer nodes
public sealed class FindNodeFrame
{
    private const int FieldCount = 2;

    /// <summary>Makes the question.</summary>
    /// <param name="target">The point.</param>
    /// <param name="senderAddresses">Where a sender in server mode can be dialled, at most <see cref="Contact.MaxAddresses"/>; empty in client mode.</param>
    /// <exception cref="ArgumentException">There are more addresses.</exception>
    public FindNodeFrame(DhtKey target, ImmutableArray<NodeAddress> senderAddresses)
    {
        AddressList.ThrowIfTooLong(senderAddresses, Contact.MaxAddresses);
        Target = target;
        SenderAddresses = senderAddresses;
    }

    /// <summary>The point to which the nodes are to be near.</summary>
    public DhtKey Target { get; }

    /// <summary>Where the sender can be dialled; empty for a sender in client mode.</summary>
    public ImmutableArray<NodeAddress> SenderAddresses { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = FrameFields.Begin(output, FrameType.FindNode, FieldCount, PointField.EncodedBytes + AddressList.EncodedBytes(SenderAddresses));
        PointField.Write(writer, Target);
        AddressList.Write(writer, SenderAddresses);
    }

    /// <summary>Reads the body of the question.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The question; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out FindNodeFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static FindNodeFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        PointField.TryReadKey(ref reader, out var target)
            && AddressList.TryRead(ref reader, Contact.MaxAddresses, out var addresses)
            ? new FindNodeFrame(target, addresses) : null;
}
