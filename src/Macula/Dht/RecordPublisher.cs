using System.Collections.Immutable;
using Macula.Diagnostics;
using Macula.Identity.Records;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>Keeps this node's own records in the DHT.</summary>
/// <remarks>Used on the realm's queue only.</remarks>
internal sealed class RecordPublisher(
    RealmServices realm, SerialQueue queue, DhtSettings settings, RecordSigner signer, Joining joining, Overlay overlay, Holder holder, RecordIntake intake)
{
    // One for each procedure and each prefix of subscriptions, and the node's own.
    private const int MaxPublications = 20_001;

    // Of those that some holder does not take; each has been offered to all. A node that makes and drops records fast goes on although one holder refuses.
    private const int MaxLingeringTombstones = 1024;

    // Newcomers come in crowds when a realm starts; one attempt serves those of a moment.
    private static readonly TimeSpan NewcomerDelay = TimeSpan.FromSeconds(2);

    private readonly SortedDictionary<DhtKey, PublishedRecord> _published = [];

    // Tombstones among them that were offered and are not over, the longest first: so few that looking through them costs little.
    private readonly List<PublishedRecord> _lingering = [];

    // Bounded by the routing table, which is where they come from, and by the delay.
    private readonly List<NodeId> _newcomers = [];
    private QueueTimer? _newcomersDue;

    // The greatest sequence of all records that were withdrawn: under whichever key the next one stands, it is newer, whatever the clock says.
    private long _lastSequence = -1;
    private bool _isStopped;

    /// <summary>Publishes a record, until it is withdrawn; at most one under a key at a time.</summary>
    /// <exception cref="MaculaException">The node publishes as many as it may, or stops.</exception>
    public PublishedRecord Publish(RecordContent content)
    {
        if (_isStopped)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        var key = content.KeyIn(realm.Realm, realm.Self.NodeId);
        var counts = _published.TryGetValue(key, out var leaving) && !_lingering.Contains(leaving);
        if (!counts && _published.Count - _lingering.Count >= MaxPublications)
        {
            throw new MaculaException(ErrorCode.LimitExceeded, $"This node publishes {MaxPublications} records, which is the most.");
        }

        if (leaving is not null)
        {
            // It was withdrawn a moment ago, and its tombstone is not stored yet.
            _lingering.Remove(leaving);
            leaving.Update(content);
            return leaving;
        }

        var core = new Publication(content, _lastSequence, new PublicationOptions { TimeToLive = settings.Options.RecordTimeToLive });
        var record = new PublishedRecord(realm, queue, this, core, key);
        _published.Add(key, record);
        record.Start();
        return record;
    }

    /// <summary>Stores every record anew, since the nodes that should hold it may be others now.</summary>
    public void Republish()
    {
        foreach (var record in _published.Values.ToArray())
        {
            record.Republish();
        }
    }

    /// <summary>A node has come into the routing table: the records that it should hold are stored anew, a moment later ([REC-20]).</summary>
    public void HandleNewcomer(NodeId node)
    {
        if (_published.Count > 0 && !_isStopped)
        {
            _newcomers.Add(node);
            _newcomersDue ??= new QueueTimer(realm, queue, HandleNewcomers);
            if (_newcomers.Count == 1)
            {
                _newcomersDue.Set(realm.Scheduler.Now + NewcomerDelay);
            }
        }
    }

    /// <summary>Takes every record back, and completes when that is done or the time is over ([REC-18]).</summary>
    /// <param name="timeout">Longest wait; what was not taken back by then ends by its own time.</param>
    public async ValueTask WithdrawAllAsync(TimeSpan timeout)
    {
        using var patience = new CancellationTokenSource(timeout, realm.Scheduler.Time);
        try
        {
            await Task.WhenAll(_published.Values.ToArray().Select(record => record.WithdrawAsync(patience.Token)));
        }
        catch (OperationCanceledException)
        {
            // Somebody who should take the tombstones is gone; the records end by their own time.
        }
    }

    /// <summary>Publishes nothing more; what stands in the DHT ends by its own time.</summary>
    public void Stop()
    {
        _isStopped = true;
        _newcomersDue?.Stop();
        foreach (var record in _published.Values)
        {
            record.Stop();
        }
    }

    /// <summary>Signs a record beside the queue.</summary>
    public ValueTask<VerifiedRecord> SignAsync(PublicationOutput.Sign sign) => realm.Scheduler.OffloadAsync(
        () => signer.Sign(sign.Content, sign.State, sign.Sequence, sign.Issued, sign.TimeToLive));

    /// <summary>Has the nodes nearest to the record's key hold it; this node holds it in any case, and counts as one of them where it is one, or knows nobody else.</summary>
    /// <returns>Who was asked, and what became of it.</returns>
    public async ValueTask<(ImmutableArray<Contact> Asked, StoreTally Tally)> StoreAsync(VerifiedRecord record)
    {
        var own = holder.StoreAsync(record).AsTask();
        ImmutableArray<Contact> nearest;
        try
        {
            // Before the first attempt to join has ended, nobody is known who could hold it.
            await joining.SettleAsync(CancellationToken.None);
            nearest = (await overlay.LookUpAsync(LookupGoal.Nodes, record.Key)).Closest;
        }
        catch (MaculaException)
        {
            // The node stops, or is too busy: the publication tries again.
            await own;
            return ([], new StoreTally([], -1));
        }

        var newest = -1L;
        var answers = await Task.WhenAll(nearest.Select(contact => OfferAsync(contact, record, sequence => newest = Math.Max(newest, sequence))));
        var kept = await own;
        var ownAnswer = kept is RecordOutcome.Kept or RecordOutcome.Same ? StoreAnswer.Held : StoreAnswer.Refused;
        // [REC-16]: others may have given this node what it published in a former life.
        newest = kept is RecordOutcome.Superseded(var former) ? Math.Max(newest, former.Body.Sequence) : newest;

        // [REC-18]: a tombstone is for those who hold the record; this node, which may be about to stop, knows without.
        // A lookup that nobody answered says only of a node that has not joined that it knows nobody: whoever is in asks again.
        var isAlone = nearest.IsEmpty && !joining.IsJoined;
        var counts = settings.Mode == DhtMode.Server && (isAlone || (!nearest.IsEmpty && record.Body.State == RecordState.Live));
        return (nearest, new StoreTally(counts ? InsertSelf(nearest, answers, record.Key, ownAnswer) : [.. answers], newest));
    }

    /// <summary>A record was withdrawn: it is not this publisher's any more.</summary>
    public void Forget(PublishedRecord record, long lastSequence)
    {
        _published.Remove(record.Key);
        _lingering.Remove(record);
        _lastSequence = Math.Max(_lastSequence, lastSequence);
    }

    /// <summary>A tombstone was offered to all who should take it, and must be offered again: it counts no longer as published, and the oldest of too many is let go of ([REC-18]).</summary>
    public void HandleLingering(PublishedRecord record)
    {
        if (_lingering.Contains(record))
        {
            return;
        }

        _lingering.Add(record);
        if (_lingering.Count > MaxLingeringTombstones)
        {
            _lingering[0].LetGo();
        }
    }

    private void HandleNewcomers()
    {
        var newcomers = _newcomers.ToArray();
        _newcomers.Clear();
        foreach (var record in _published.Values.ToArray())
        {
            if (newcomers.Any(record.ShouldStandAt))
            {
                record.Republish();
            }
        }
    }

    private async Task<StoreAnswer> OfferAsync(Contact contact, VerifiedRecord record, Action<long> superseded)
    {
        try
        {
            var connection = await overlay.ConnectAsync(contact);
            if (await overlay.Client.StoreAsync(connection, record) is not { } held)
            {
                return StoreAnswer.Held;
            }

            // [REC-16]: believed only if this node's own key signed it; and whoever holds what was sent has nothing newer.
            if ((await intake.TakeAsync(connection, held)).Accepted is { Record: var newer } && newer.Key == record.Key && newer.Publisher == realm.Self.NodeId)
            {
                if (newer.Equals(record))
                {
                    return StoreAnswer.Held;
                }

                superseded(newer.Body.Sequence);
            }

            return StoreAnswer.Refused;
        }
        catch (MaculaException exception)
        {
            overlay.HandleFailed(contact, exception);
            HandleNotTaken(contact, record, exception);
            return exception is DhtRefusedException ? StoreAnswer.Refused : StoreAnswer.Silent;
        }
    }

    private void HandleNotTaken(Contact contact, VerifiedRecord record, MaculaException reason)
    {
        if (reason is not DhtRefusedException { Code: ErrorCode.RecordFromFuture or ErrorCode.RecordExpired })
        {
            realm.Logger.RecordNotTaken(contact.Node, record.Key, reason.Message);
        }
        else if (realm.ClockGate.TryPass(realm.Scheduler.Now, out var suppressed))
        {
            // Nothing else tells an operator why nobody finds this node.
            realm.Logger.ClocksDiffer(contact.Node, reason.Message, suppressed);
        }
    }

    private ImmutableArray<StoreAnswer> InsertSelf(ImmutableArray<Contact> nearest, StoreAnswer[] answers, DhtKey key, StoreAnswer own)
    {
        var distance = key.DistanceTo(realm.Self.NodeId);
        var place = nearest.Count(contact => key.DistanceTo(contact.Node) < distance);
        return [.. answers.ToImmutableArray().Insert(place, own).Take(KademliaConstants.BucketSize)];
    }
}
