using System.Collections.Immutable;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Records;

/// <summary>What a record is about (docs/protocol/09-records.md [REC-4]). Numbers are never reused.</summary>
public enum RecordKind
{
    /// <summary>A node provides a procedure.</summary>
    Provider = 1,

    /// <summary>Where a node can be reached.</summary>
    Node = 2,
}

/// <summary>What a record says: <see cref="Provider"/> or <see cref="Node"/>.</summary>
public abstract record RecordContent
{
    private RecordContent()
    {
    }

    /// <summary>What the record is about.</summary>
    public abstract RecordKind Kind { get; }

    /// <summary>The key under which the record stands.</summary>
    /// <param name="realm">The realm to which the record belongs.</param>
    /// <param name="publisher">Who publishes it.</param>
    public abstract DhtKey KeyIn(RealmId realm, NodeId publisher);

    internal abstract int FieldCount { get; }

    internal abstract int FieldBytes { get; }

    internal abstract void WriteFields(MessagePackWriter writer);

    /// <summary>The publisher provides a procedure.</summary>
    /// <param name="Procedure">Its name.</param>
    /// <param name="Version">Its version, 0 to 2^32 - 1; what versions are compatible is for those who call.</param>
    /// <param name="Load">How busy the publisher is, 0 (idle) to 1,000 (full); a hint.</param>
    // array fields: str procedure | uint version | uint load
    public sealed record Provider(ProcedureName Procedure, uint Version, int Load) : RecordContent
    {
        /// <summary>The greatest load.</summary>
        public const int FullLoad = 1000;

        /// <inheritdoc/>
        public override RecordKind Kind => RecordKind.Provider;

        internal override int FieldCount => 3;

        internal override int FieldBytes => EncodedBytes.OfString(Procedure.Value) + EncodedBytes.OfInteger(Version) + EncodedBytes.OfInteger((ulong)Load);

        /// <inheritdoc/>
        public override DhtKey KeyIn(RealmId realm, NodeId publisher) => DhtKey.OfProviders(realm, Procedure);

        internal override void WriteFields(MessagePackWriter writer)
        {
            writer.WriteString(Procedure.Value);
            writer.WriteInteger((ulong)Version);
            writer.WriteInteger((ulong)Load);
        }
    }

    /// <summary>The publisher can be reached at these addresses, or through these gateways.</summary>
    /// <param name="Addresses">0 to <see cref="MaxAddresses"/> addresses, the preferred one first.</param>
    /// <param name="Gateways">0 to <see cref="MaxGateways"/> gateways to which the publisher holds connections.</param>
    // array fields: array of bin address | array of bin node id
    public sealed record Node(ImmutableArray<NodeAddress> Addresses, ImmutableArray<NodeId> Gateways) : RecordContent
    {
        /// <summary>Most addresses.</summary>
        public const int MaxAddresses = 8;

        /// <summary>Most gateways.</summary>
        public const int MaxGateways = 4;

        /// <inheritdoc/>
        public override RecordKind Kind => RecordKind.Node;

        internal override int FieldCount => 2;

        internal override int FieldBytes =>
            AddressList.EncodedBytes(Addresses) + EncodedBytes.OfContainerHeader(Gateways.Length) + (Gateways.Length * PointField.EncodedBytes);

        /// <inheritdoc/>
        public override DhtKey KeyIn(RealmId realm, NodeId publisher) => DhtKey.OfNode(realm, publisher);

        /// <summary>Equality of all addresses and gateways, order included.</summary>
        public bool Equals(Node? other) =>
            other is not null && Addresses.AsSpan().SequenceEqual(other.Addresses.AsSpan()) && Gateways.AsSpan().SequenceEqual(other.Gateways.AsSpan());

        /// <summary>A hash that is the same in every process.</summary>
        public override int GetHashCode() => Addresses.IsEmpty ? 0 : Addresses[0].GetHashCode();

        internal override void WriteFields(MessagePackWriter writer)
        {
            AddressList.Write(writer, Addresses);
            writer.WriteArrayHeader(Gateways.Length);
            foreach (var gateway in Gateways)
            {
                PointField.Write(writer, gateway);
            }
        }
    }
}
