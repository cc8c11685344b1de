using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Records;

/// <summary>Node ids and keys as fields: binaries of exactly 20 bytes.</summary>
internal static class PointField
{
    public static readonly int EncodedBytes = MessagePack.EncodedBytes.OfBinary(NodeId.ByteCount);

    public static bool TryReadNode(ref MessagePackReader reader, out NodeId node)
    {
        node = default;
        return reader.TryReadBinary(NodeId.ByteCount, out var bytes) && (NodeId.TryRead(bytes, out node) || reader.Fail(RecordFault.Point));
    }

    public static bool TryReadKey(ref MessagePackReader reader, out DhtKey key)
    {
        key = default;
        return reader.TryReadBinary(DhtKey.ByteCount, out var bytes) && (DhtKey.TryRead(bytes, out key) || reader.Fail(RecordFault.Point));
    }

    /// <summary>Reads a node id or nil.</summary>
    public static bool TryReadNodeOrNil(ref MessagePackReader reader, out NodeId? node)
    {
        node = null;
        if (!reader.TryPeek(out var kind))
        {
            return false;
        }

        if (kind == MessagePackKind.Nil)
        {
            return reader.TryReadNil();
        }

        var read = TryReadNode(ref reader, out var id);
        node = read ? id : null;
        return read;
    }

    public static void Write(MessagePackWriter writer, NodeId node)
    {
        Span<byte> bytes = stackalloc byte[NodeId.ByteCount];
        node.CopyTo(bytes);
        writer.WriteBinary(bytes);
    }

    public static int EncodedBytesOf(NodeId? node) => node is null ? 1 : EncodedBytes;

    public static void WriteOrNil(MessagePackWriter writer, NodeId? node)
    {
        if (node is { } id)
        {
            Write(writer, id);
        }
        else
        {
            writer.WriteNil();
        }
    }

    public static void Write(MessagePackWriter writer, DhtKey key)
    {
        Span<byte> bytes = stackalloc byte[DhtKey.ByteCount];
        key.CopyTo(bytes);
        writer.WriteBinary(bytes);
    }
}
