using Macula.Wire.Identifiers;

namespace Macula.Dht;

/// <summary>The certificates that this node has accepted, by hash: to verify records with, and to hand to those who ask ([FRM-55]).</summary>
/// <remarks>Used on the realm's queue only. Bounded; the one that was used longest ago leaves, and records under it are renewed oftener than that.</remarks>
internal sealed class CertificateStore(int capacity)
{
    private readonly Dictionary<CertificateHash, LinkedListNode<(CertificateHash Hash, ReadOnlyMemory<byte> Der)>> _byHash = [];
    private readonly LinkedList<(CertificateHash Hash, ReadOnlyMemory<byte> Der)> _byUse = [];

    /// <summary>Adds a certificate that the realm's judge has accepted.</summary>
    public void Add(CertificateHash hash, ReadOnlyMemory<byte> der)
    {
        if (TryGet(hash, out _))
        {
            return;
        }

        _byHash.Add(hash, _byUse.AddLast((hash, der)));
        if (_byHash.Count > capacity)
        {
            _byHash.Remove(_byUse.First!.Value.Hash);
            _byUse.RemoveFirst();
        }
    }

    /// <summary>Finds a certificate, which counts as use.</summary>
    public bool TryGet(CertificateHash hash, out ReadOnlyMemory<byte> der)
    {
        if (!_byHash.TryGetValue(hash, out var entry))
        {
            der = default;
            return false;
        }

        _byUse.Remove(entry);
        _byUse.AddLast(entry);
        der = entry.Value.Der;
        return true;
    }
}
