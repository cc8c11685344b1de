using System.Collections.Immutable;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Records;

/// <summary>A node of the DHT and where it may be dialled, as nodes tell each other; not proved until its handshake.</summary>
public sealed class Contact : IEquatable<Contact>
{
    /// <summary>Most addresses of a contact.</summary>
    // Two families, inside and outside of a site.
    public const int MaxAddresses = 4;

    /// <summary>Names a node.</summary>
    /// <param name="node">Its id.</param>
    /// <param name="addresses">0 to <see cref="MaxAddresses"/> addresses, the preferred one first.</param>
    /// <exception cref="ArgumentException">There are more addresses.</exception>
    public Contact(NodeId node, ImmutableArray<NodeAddress> addresses)
    {
        AddressList.ThrowIfTooLong(addresses, MaxAddresses);
        Node = node;
        Addresses = addresses;
    }

    /// <summary>Who is there, if the contact is right.</summary>
    public NodeId Node { get; }

    /// <summary>Where it may be dialled, the preferred address first; possibly empty.</summary>
    public ImmutableArray<NodeAddress> Addresses { get; }

    /// <summary>Equality of node and addresses, order included.</summary>
    public bool Equals(Contact? other) => other is not null && Node == other.Node && Addresses.AsSpan().SequenceEqual(other.Addresses.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Contact);

    /// <summary>A hash that is the same in every process.</summary>
    public override int GetHashCode() => Node.GetHashCode();

    /// <summary>The id's first digits and the addresses, for logs.</summary>
    public override string ToString() => $"{Node.ToShortString()} at {string.Join(", ", Addresses)}";

    internal int EncodedBytes => 1 + MessagePack.EncodedBytes.OfBinary(NodeId.ByteCount) + AddressList.EncodedBytes(Addresses);

    // array: bin node id | array of bin address | elements of newer nodes
    internal static bool TryRead(ref MessagePackReader reader, out Contact? contact)
    {
        contact = null;
        if (!reader.TryEnterArray(out var elements)
            || (elements < 2 && !reader.Fail(RecordFault.TooFewElements))
            || !PointField.TryReadNode(ref reader, out var node)
            || !AddressList.TryRead(ref reader, MaxAddresses, out var addresses))
        {
            return false;
        }

        for (var index = 2; index < elements; index++)
        {
            if (!reader.TrySkip())
            {
                return false;
            }
        }

        reader.Leave();
        contact = new Contact(node, addresses);
        return true;
    }

    internal void Write(MessagePackWriter writer)
    {
        writer.WriteArrayHeader(2);
        PointField.Write(writer, Node);
        AddressList.Write(writer, Addresses);
    }
}
