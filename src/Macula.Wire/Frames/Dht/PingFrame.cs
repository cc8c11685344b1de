using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Macula.Wire.Records;

namespace Macula.Wire.Frames.Dht;

/// <summary>Asks whether a node is there, and says where the asking one can be dialled (docs/protocol/03-frames.md [FRM-44]).</summary>
// array: array of bin sender's address | elements of newer nodes
public sealed class PingFrame
{
    private const int FieldCount = 1;

    /// <summary>Makes a ping.</summary>
    /// <param name="senderAddresses">Where a sender in server mode can be dialled, at most <see cref="Contact.MaxAddresses"/>; empty in client mode.</param>
    /// <exception cref="ArgumentException">There are more addresses.</exception>
    public PingFrame(ImmutableArray<NodeAddress> senderAddresses)
    {
        AddressList.ThrowIfTooLong(senderAddresses, Contact.MaxAddresses);
        SenderAddresses = senderAddresses;
    }

    /// <summary>Where the sender can be dialled; empty for a sender in client mode.</summary>
    public ImmutableArray<NodeAddress> SenderAddresses { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output) =>
        AddressList.Write(FrameFields.Begin(output, FrameType.Ping, FieldCount, AddressList.EncodedBytes(SenderAddresses)), SenderAddresses);

    /// <summary>Reads the body of a ping.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The ping; null when the answer is false.</param>
    /// <param name="error">What is wrong; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out PingFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static PingFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        AddressList.TryRead(ref reader, Contact.MaxAddresses, out var addresses) ? new PingFrame(addresses) : null;
}
