using System.Collections.Immutable;
using Macula.Protocols.Kademlia;
using Macula.Realms;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>One record of this node that stands in the DHT until it is withdrawn.</summary>
/// <remarks>The shell of <see cref="Publication"/>. Used on the realm's queue only.</remarks>
internal sealed class PublishedRecord
{
    private readonly RealmServices _realm;
    private readonly RecordPublisher _publisher;
    private readonly Publication _core;
    private readonly QueueTimer _timer;
    private WaitingList _untilInForce;
    private ImmutableArray<Contact> _asked = [];
    private Completion<bool>? _untilTaken;

    private bool _isWithdrawn;

    // Whether somebody has the tombstone, which may still be missing elsewhere.
    private bool _isTaken;
    private bool _isStopped;

    public PublishedRecord(RealmServices realm, SerialQueue queue, RecordPublisher publisher, Publication core, DhtKey key)
    {
        _realm = realm;
        _publisher = publisher;
        _core = core;
        Key = key;
        _untilInForce = new WaitingList(realm.Scheduler);
        _timer = new QueueTimer(realm, queue, Pump);
    }

    /// <summary>Where it stands.</summary>
    public DhtKey Key { get; }

    /// <summary>Begins.</summary>
    public void Start() => Pump();

    /// <summary>The record says something else from now on.</summary>
    public void Update(RecordContent content)
    {
        if (_isWithdrawn)
        {
            _isWithdrawn = false;
            _untilInForce = new WaitingList(_realm.Scheduler);
        }

        _core.Update(content);
        Pump();
    }

    /// <summary>True when a lookup now would find this node among those that should hold the record, and it was not asked the last time ([REC-20]).</summary>
    public bool ShouldStandAt(NodeId node)
    {
        if (_asked.Any(contact => contact.Node == node))
        {
            return false;
        }

        var distance = Key.DistanceTo(node);
        return _asked.Length < KademliaConstants.BucketSize || _asked.Any(contact => distance < Key.DistanceTo(contact.Node));
    }

    /// <summary>Stores it anew.</summary>
    public void Republish()
    {
        _core.Republish();
        Pump();
    }

    /// <summary>Takes it back.</summary>
    public void Withdraw()
    {
        if (!_isWithdrawn)
        {
            // Of this withdrawal nobody has the tombstone yet, whoever had that of one before.
            (_isWithdrawn, _isTaken) = (true, false);
        }

        // Those who wait for it learn at once that they wait in vain; how long the tombstone is on its way is nothing to them.
        _untilInForce.Close(ErrorCode.Cancelled, "The record was withdrawn.");
        _core.Withdraw();
        Pump();
    }

    /// <summary>Takes it back since the node stops, and completes when all who should take the tombstone were asked, and one at least has; the others are asked again afterwards.</summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task WithdrawAsync(CancellationToken cancellationToken)
    {
        var taken = new Completion<bool>(_realm.Scheduler);
        _untilTaken = taken;
        _untilInForce.Close();
        Withdraw();
        if (!_isTaken)
        {
            await taken.CancelledBy(cancellationToken).Task;
        }
    }

    /// <summary>Completes when the record, as it was updated last, is in force ([REC-19]).</summary>
    /// <exception cref="OperationCanceledException">The token fired; publishing goes on.</exception>
    /// <exception cref="MaculaException">The node stops, with <see cref="ErrorCode.ShuttingDown"/>, or the record was withdrawn, with <see cref="ErrorCode.Cancelled"/>.</exception>
    public ValueTask WhenInForceAsync(CancellationToken cancellationToken) =>
        _core.IsInForce ? ValueTask.CompletedTask : _untilInForce.WaitAsync(cancellationToken);

    /// <summary>Publishes it no more, and does not take it back.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Stop();
        _untilTaken?.TrySetResult(true);
        _untilInForce.Close();
    }

    /// <summary>Stops, and makes room for another: it was taken back, as far as it could be.</summary>
    public void LetGo()
    {
        Stop();
        _publisher.Forget(this, _core.LastSequence);
    }

    private void Pump()
    {
        if (_isStopped)
        {
            return;
        }

        while (_core.TryPoll(_realm.Scheduler.Now, _realm.Scheduler.WallNow, out var output))
        {
            switch (output)
            {
                case PublicationOutput.Sign sign:
                    _realm.Tasks.Run(() => SignAsync(sign));
                    break;
                case PublicationOutput.Store store:
                    _realm.Tasks.Run(() => StoreAsync(store.Record));
                    break;
                case PublicationOutput.InForce:
                    _untilInForce.Release();
                    break;
                case PublicationOutput.Withdrawn:
                    LetGo();
                    return;
            }
        }

        _timer.Set(_core.PollTimeout());
    }

    private async Task SignAsync(PublicationOutput.Sign sign)
    {
        _core.HandleSigned(await _publisher.SignAsync(sign));
        Pump();
    }

    private async Task StoreAsync(VerifiedRecord record)
    {
        (_asked, var tally) = await _publisher.StoreAsync(record);
        _core.HandleStored(tally, _realm.Scheduler.Now, _realm.Scheduler.WallNow, _realm.Random);
        if (_isWithdrawn && record.IsTombstone && tally.IsHeld)
        {
            _isTaken = true;
            _untilTaken?.TrySetResult(true);
        }

        Pump();
        if (_isWithdrawn && record.IsTombstone && !_asked.IsEmpty && !_isStopped)
        {
            _publisher.HandleLingering(this);
        }
    }
}
