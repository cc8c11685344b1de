using System.Diagnostics.CodeAnalysis;
using Macula.Identity.Certificates;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Trust;

/// <summary>A node's certificate with the authority whose signature on it was checked.</summary>
internal sealed record VerifiedCertificate(NodeCertificate Node, AuthorityCertificate Authority);

/// <summary>These very bytes, verified under this very set of authorities.</summary>
internal readonly record struct VerifiedCertificateKey(CertificateHash Certificate, CertificateHash Authorities);

/// <summary>Remembers the certificates verified most recently, up to a number. Safe to use from several threads at once.</summary>
internal sealed class VerifiedCertificateCache(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<VerifiedCertificateKey, LinkedListNode<Entry>> _entries = [];

    // The entry used last is at the end; the one at the front goes when there is no room.
    private readonly LinkedList<Entry> _byUse = [];

    public bool TryGet(VerifiedCertificateKey key, [NotNullWhen(true)] out VerifiedCertificate? certificate)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var node))
            {
                certificate = null;
                return false;
            }

            _byUse.Remove(node);
            _byUse.AddLast(node);
            certificate = node.Value.Certificate;
            return true;
        }
    }

    public void Add(VerifiedCertificateKey key, VerifiedCertificate certificate)
    {
        lock (_gate)
        {
            // Two threads may have verified the same certificate at once.
            if (_entries.ContainsKey(key))
            {
                return;
            }

            if (_entries.Count == capacity)
            {
                _entries.Remove(_byUse.First!.Value.Key);
                _byUse.RemoveFirst();
            }

            _entries.Add(key, _byUse.AddLast(new Entry(key, certificate)));
        }
    }

    private sealed record Entry(VerifiedCertificateKey Key, VerifiedCertificate Certificate);
}
