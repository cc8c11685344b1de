using Macula.Wire.Identifiers;

namespace Macula.Wire.Records;

/// <summary>A record of which somebody who can has made sure that its publisher signed it. Only a <see cref="RecordCheck"/> makes one.</summary>
/// <remarks>Two are equal when the same was signed; ECDSA allows two signatures over it, so the signature does not count.</remarks>
public sealed class VerifiedRecord : IEquatable<VerifiedRecord>
{
    private readonly byte[] _hash;

    internal VerifiedRecord(SignedRecord record)
    {
        Record = record;
        _hash = record.HashOfBody();
        Key = record.Body.Key;
    }

    /// <summary>What was verified, as it goes on the wire.</summary>
    public SignedRecord Record { get; }

    /// <summary>What it says.</summary>
    public RecordBody Body => Record.Body;

    /// <summary>The key under which it stands.</summary>
    public DhtKey Key { get; }

    /// <summary>Who published it.</summary>
    public NodeId Publisher => Body.Publisher;

    /// <summary>Whether it takes back what its publisher said before.</summary>
    public bool IsTombstone => Body.State == RecordState.Withdrawn;

    /// <summary>Whether this record replaces another of the same publisher under the same key [REC-10].</summary>
    /// <param name="held">The other one.</param>
    /// <returns>True for a greater sequence, and for an equal one with the greater hash; false for the same record.</returns>
    public bool Supersedes(VerifiedRecord held)
    {
        ArgumentNullException.ThrowIfNull(held);
        var order = Body.Sequence.CompareTo(held.Body.Sequence);
        // A publisher that used a sequence twice: every holder comes to the same one of the two.
        return order > 0 || (order == 0 && _hash.AsSpan().SequenceCompareTo(held._hash) > 0);
    }

    /// <summary>Equality of what was signed.</summary>
    public bool Equals(VerifiedRecord? other) => other is not null && _hash.AsSpan().SequenceEqual(other._hash);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as VerifiedRecord);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(_hash);

    /// <summary>Publisher, key and sequence, for logs.</summary>
    public override string ToString() => Record.ToString();
}

/// <summary>The base of whatever makes sure that a record is its publisher's: the one door from <see cref="SignedRecord"/> to <see cref="VerifiedRecord"/>.</summary>
/// <remarks>What derives from it stands where keys and certificates are known; a core, which takes only verified records, cannot make one.</remarks>
public abstract class RecordCheck
{
    /// <summary>States that the publisher's key signed the record and that the key is the publisher's.</summary>
    protected static VerifiedRecord Vouch(SignedRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return new VerifiedRecord(record);
    }
}
