using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>A node in a bucket.</summary>
internal sealed class BucketEntry(Contact contact, Instant seenAt)
{
    public Contact Contact { get; set; } = contact;

    public Instant SeenAt { get; set; } = seenAt;

    public int Failures { get; set; }
}

/// <summary>The nodes at one distance, the one that was silent longest first, and those that wait for a place.</summary>
internal sealed class Bucket
{
    private readonly List<BucketEntry> _entries = [];
    private readonly List<Contact> _replacements = [];

    public IReadOnlyList<BucketEntry> Entries => _entries;

    public bool IsFull => _entries.Count >= KademliaConstants.BucketSize;

    public bool HasReplacement => _replacements.Count > 0;

    public Instant LookedUpAt { get; set; }

    public BucketEntry? Find(NodeId node) => _entries.Find(entry => entry.Contact.Node == node);

    public void AddLast(BucketEntry entry)
    {
        Wire.Invariant.Hold(!IsFull, "A bucket holds at most k nodes.");
        _replacements.RemoveAll(waiting => waiting.Node == entry.Contact.Node);
        _entries.Add(entry);
    }

    public void MoveLast(BucketEntry entry)
    {
        _entries.Remove(entry);
        _entries.Add(entry);
    }

    public void Remove(BucketEntry entry) => _entries.Remove(entry);

    /// <summary>Lets a node wait for a place; the one that waits longest leaves when there are more than k.</summary>
    public void AddReplacement(Contact contact)
    {
        _replacements.RemoveAll(waiting => waiting.Node == contact.Node);
        _replacements.Add(contact);
        if (_replacements.Count > KademliaConstants.BucketSize)
        {
            _replacements.RemoveAt(0);
        }
    }

    public void RemoveReplacement(NodeId node) => _replacements.RemoveAll(waiting => waiting.Node == node);

    /// <summary>Takes the node that was heard of last: it is the likeliest to be there.</summary>
    public Contact? TakeReplacement()
    {
        if (_replacements.Count == 0)
        {
            return null;
        }

        var newest = _replacements[^1];
        _replacements.RemoveAt(_replacements.Count - 1);
        return newest;
    }
}
