using System.Collections.Immutable;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Records;

/// <summary>Addresses on the wire: an array of binaries of 6 or 18 bytes each.</summary>
internal static class AddressList
{
    public static void ThrowIfTooLong(ImmutableArray<NodeAddress> addresses, int limit)
    {
        if (addresses.IsDefault || addresses.Length > limit)
        {
            throw new ArgumentException($"There are 0 to {limit} addresses.", nameof(addresses));
        }
    }

    public static int EncodedBytes(ImmutableArray<NodeAddress> addresses)
    {
        var bytes = MessagePack.EncodedBytes.OfContainerHeader(addresses.Length);
        foreach (var address in addresses)
        {
            bytes += MessagePack.EncodedBytes.OfBinary(address.WireBytes);
        }

        return bytes;
    }

    public static bool TryRead(ref MessagePackReader reader, int limit, out ImmutableArray<NodeAddress> addresses)
    {
        addresses = default;
        if (!reader.TryEnterArray(out var count))
        {
            return false;
        }

        if (count > limit)
        {
            return reader.Fail(RecordFault.TooManyAddresses);
        }

        var builder = ImmutableArray.CreateBuilder<NodeAddress>(count);
        for (var index = 0; index < count; index++)
        {
            if (!reader.TryReadBinary(NodeAddress.MaxBytes, out var bytes))
            {
                return false;
            }

            if (!NodeAddress.TryRead(bytes, out var address))
            {
                return reader.Fail(RecordFault.Address);
            }

            builder.Add(address);
        }

        reader.Leave();
        addresses = builder.MoveToImmutable();
        return true;
    }

    public static void Write(MessagePackWriter writer, ImmutableArray<NodeAddress> addresses)
    {
        Span<byte> bytes = stackalloc byte[NodeAddress.MaxBytes];
        writer.WriteArrayHeader(addresses.Length);
        foreach (var address in addresses)
        {
            address.CopyTo(bytes);
            writer.WriteBinary(bytes[..address.WireBytes]);
        }
    }
}
