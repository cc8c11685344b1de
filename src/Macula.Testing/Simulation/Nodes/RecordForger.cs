using Macula.Identity.Credentials;
using Macula.Protocols.Kademlia;
using Macula.Testing.VirtualTime;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>Makes records that nobody may keep, each for one reason alone, and keeps those whose time will be over.</summary>
internal sealed class RecordForger(SimulatedRealm realm, IReadOnlyList<SimulatedRealm> others, NodeCredentials liar, SeededRandomSource random)
{
    // Beyond what a holder's clock, which may be off, would forgive.
    private static readonly TimeSpan FarOff = RecordSet.MaxClockLead * 2;

    private readonly Dictionary<(DhtKey Key, NodeId Publisher), (long Sequence, ReadOnlyMemory<byte> Bytes)> _first = [];

    /// <summary>Keeps a record that was served, to give it to holders when a later one has taken its place.</summary>
    public void Remember(SignedRecord record)
    {
        // The first of each publisher is as good as any: it grows old. One whose time is over shows nothing, and goes.
        var place = (record.Body.Key, record.Body.Publisher);
        if (record.Body.State == RecordState.Live && (!_first.TryGetValue(place, out var first) || record.Body.Sequence - first.Sequence > RecordBody.MinTimeToLive.TotalMilliseconds))
        {
            _first[place] = (record.Body.Sequence, record.Bytes.ToArray());
        }
    }

    /// <summary>Records that were once good: older ones than those that a holder has just served, and, where every server holds every record, those of whom it served none.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> ReplaysOf(DhtKey key, IReadOnlyList<SignedRecord> served)
    {
        var newest = served.ToDictionary(record => record.Body.Publisher, record => record.Body.Sequence);
        var unseen = realm.Members.Count < KademliaConstants.BucketSize ? long.MaxValue : long.MinValue;
        return [.. _first.Where(entry => entry.Key.Key == key && entry.Value.Sequence < newest.GetValueOrDefault(entry.Key.Publisher, unseen)).Select(entry => entry.Value.Bytes)];
    }

    /// <summary>A record that says that somebody provides a procedure.</summary>
    /// <param name="procedure">Which.</param>
    /// <param name="now">The time of day by a clock that is right.</param>
    /// <returns>The record's bytes, and what is wrong with it.</returns>
    public (ReadOnlyMemory<byte> Record, string Flaw) Forge(ProcedureName procedure, WallTime now)
    {
        var identity = liar.Identity;
        var honest = new RecordBody(
            realm.File.Id, identity.NodeId, identity.CertificateHash, now.UnixMilliseconds, now, RecordBody.MinTimeToLive, RecordState.Live, new RecordContent.Provider(procedure, 0, 0));
        switch (random.Next(others.Count > 0 ? 5 : 4))
        {
            case 0:
                var signed = Sign(honest).ToArray();
                signed[^(1 + random.Next(SignedRecord.SignatureBytes))] ^= 1;
                return (signed, "signature");
            case 1:
                return (Sign(honest with { Publisher = realm.Members[random.Next(realm.Members.Count)].Id }), "publisher");
            case 2:
                return (Sign(honest with { Issued = now + -(RecordBody.MinTimeToLive + FarOff) }), "expired");
            case 3:
                return (Sign(honest with { Issued = now + FarOff, Sequence = (now + FarOff).UnixMilliseconds }), "future");
            default:
                return (Sign(honest with { Realm = others[random.Next(others.Count)].File.Id }), "realm");
        }
    }

    private ReadOnlyMemory<byte> Sign(RecordBody body) => SignedRecord.Join(body, liar.Key.Sign(SignedRecord.SignedMessageOf(body))).Bytes;
}
