using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
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

    /// <summary>A node receives the events of some patterns.</summary>
    Subscriber = 3,
}

/// <summary>What a record says: <see cref="Provider"/>, <see cref="Node"/> or <see cref="Subscriber"/>.</summary>
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

    /// <summary>The publisher receives the events of these patterns, which are all that it subscribes to under one literal prefix.</summary>
    /// <remarks>All in one record, since a key holds one record of each publisher (docs/protocol/10-pubsub.md [PUB-3]).</remarks>
    // array fields: array of str pattern
    public sealed record Subscriber : RecordContent
    {
        /// <summary>Most patterns.</summary>
        public const int MaxPatterns = 16;

        /// <summary>Most bytes of the patterns as they are written, each with its length of one or two bytes before it, and their number before them all.</summary>
        // What is left of a record beside its signature, nine other elements at their longest and the header of the content.
        public const int MaxPatternBytes = SignedRecord.MaxBytes - SignedRecord.SignatureBytes - RecordBody.MaxFrameBytes - 1;

        private Subscriber(ImmutableArray<TopicPattern> patterns) => Patterns = patterns;

        /// <summary>1 to <see cref="MaxPatterns"/> patterns, each once, in the order of their bytes; all have the same literal prefix.</summary>
        public ImmutableArray<TopicPattern> Patterns { get; }

        /// <summary>The literal prefix of every pattern.</summary>
        public TopicPrefix Prefix => Patterns[0].LiteralPrefix;

        /// <inheritdoc/>
        public override RecordKind Kind => RecordKind.Subscriber;

        internal override int FieldCount => 1;

        internal override int FieldBytes => BytesOf(Patterns.AsSpan());

        /// <summary>Makes the content of some patterns, in any order, equal ones once.</summary>
        /// <returns>
        /// False when there is none, when there are more than <see cref="MaxPatterns"/> or they take more than <see cref="MaxPatternBytes"/>, or when their literal
        /// prefixes differ.
        /// </returns>
        public static bool TryCreate(IEnumerable<TopicPattern> patterns, [NotNullWhen(true)] out Subscriber? content)
        {
            ArgumentNullException.ThrowIfNull(patterns);
            content = null;
            ImmutableArray<TopicPattern> sorted = [.. patterns.Distinct().Order()];
            if (sorted.Length is < 1 or > MaxPatterns || BytesOf(sorted.AsSpan()) > MaxPatternBytes)
            {
                return false;
            }

            var prefix = sorted[0].LiteralPrefix;
            content = sorted.All(pattern => pattern.LiteralPrefix == prefix) ? new Subscriber(sorted) : null;
            return content is not null;
        }

        /// <inheritdoc/>
        public override DhtKey KeyIn(RealmId realm, NodeId publisher) => DhtKey.OfSubscribers(realm, Prefix);

        /// <summary>Equality of all patterns.</summary>
        public bool Equals(Subscriber? other) => other is not null && Patterns.AsSpan().SequenceEqual(other.Patterns.AsSpan());

        /// <summary>A hash that is the same in every process.</summary>
        public override int GetHashCode() => (Patterns.Length * 397) ^ Patterns[0].GetHashCode();

        internal override void WriteFields(MessagePackWriter writer)
        {
            writer.WriteArrayHeader(Patterns.Length);
            foreach (var pattern in Patterns)
            {
                writer.WriteString(pattern.Value);
            }
        }

        private static int BytesOf(ReadOnlySpan<TopicPattern> patterns)
        {
            var bytes = EncodedBytes.OfContainerHeader(patterns.Length);
            foreach (var pattern in patterns)
            {
                bytes += EncodedBytes.OfString(pattern.Value);
            }

            return bytes;
        }
    }
}
