using Macula.Dht;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Rpc;

/// <summary>Says which nodes provide a procedure: asks the DHT at the first call, and watches from then on.</summary>
/// <remarks>Used on the realm's queue only. What is remembered is bounded with the watches of the node.</remarks>
internal sealed class ProviderDirectory(RealmServices realm, DhtNode dht)
{
    // A node that left a call unanswered is asked after the others for so long; then it may be back, under the same record.
    private static readonly TimeSpan SuspicionTime = TimeSpan.FromMinutes(1);

    // Far more than die within that time; beyond it the oldest suspicion is dropped.
    private const int MaxSuspects = 1024;

    private readonly Dictionary<NodeId, Instant> _suspectedUntil = [];
    private readonly Queue<NodeId> _suspects = new();
    private readonly Dictionary<DhtKey, Task<LookupResult>> _lookups = [];

    // What is not watched has no turn of its own; one for all of them spreads calls as well, unless they alternate.
    private uint _unwatchedTurn;

    /// <summary>The nodes that provide a procedure, in the order in which to try them: round robin, those last that left a call unanswered.</summary>
    /// <exception cref="MaculaException">Nobody provides it, or nobody could be asked.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async ValueTask<IReadOnlyList<NodeId>> FindAsync(ProcedureName procedure, CancellationToken cancellationToken)
    {
        var key = DhtKey.OfProviders(realm.Realm, procedure);
        if (dht.Watches.Find(key) is not { IsInForce: true })
        {
            await dht.DemandNetworkAsync(cancellationToken);
        }

        // [RPC-17]: where topics hold every watch, each call asks.
        IEnumerable<VerifiedRecord> records = dht.Watches.TryUse(key, out var watch) ? watch.Live : [];
        if (watch is not { IsInForce: true })
        {
            var found = await ShareLookUp(key).WaitAsync(cancellationToken);
            records = found.Records.Concat(watch?.Live ?? []);
        }

        var providers = records.Select(record => record.Publisher).Where(node => node != realm.Self.NodeId).Distinct().Order().ToList();
        return providers.Count > 0
            ? Arrange(providers, watch?.Uses ?? _unwatchedTurn++)
            : throw new MaculaException(ErrorCode.NoProvider, $"Nobody in the realm provides {procedure}.");
    }

    /// <summary>A node has left a call unanswered: others are tried before it, for a while.</summary>
    public void HandleUnanswered(NodeId provider)
    {
        if (_suspectedUntil.TryAdd(provider, default))
        {
            _suspects.Enqueue(provider);
            if (_suspects.Count > MaxSuspects)
            {
                _suspectedUntil.Remove(_suspects.Dequeue());
            }
        }

        _suspectedUntil[provider] = realm.Scheduler.Now + SuspicionTime;
    }

    /// <summary>A node is there after all.</summary>
    public void HandleAlive(NodeId provider)
    {
        if (_suspectedUntil.ContainsKey(provider))
        {
            _suspectedUntil[provider] = default;
        }
    }

    private bool IsSuspect(NodeId provider) => _suspectedUntil.TryGetValue(provider, out var until) && until > realm.Scheduler.Now;

    private List<NodeId> Arrange(List<NodeId> providers, uint turn)
    {
        var first = (int)(turn % (uint)providers.Count);
        var rotated = providers.Skip(first).Concat(providers.Take(first));
        return [.. rotated.OrderBy(IsSuspect)];
    }

    private Task<LookupResult> ShareLookUp(DhtKey key)
    {
        if (!_lookups.TryGetValue(key, out var lookup))
        {
            lookup = dht.Overlay.LookUpAsync(LookupGoal.Records, key);
            if (!lookup.IsCompleted)
            {
                _lookups.Add(key, lookup);
                realm.Tasks.Run(() => ForgetAsync(key, lookup));
            }
        }

        return lookup;
    }

    private async Task ForgetAsync(DhtKey key, Task<LookupResult> lookup)
    {
        try
        {
            await lookup;
        }
        catch (MaculaException)
        {
            // Those who wait learn of it, if any still do.
        }

        _lookups.Remove(key);
    }
}
