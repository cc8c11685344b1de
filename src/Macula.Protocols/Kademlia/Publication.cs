using System.Diagnostics.CodeAnalysis;
using Macula.Wire;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>What the shell must do next for a publication.</summary>
public abstract record PublicationOutput
{
    private PublicationOutput()
    {
    }

    /// <summary>Sign a record with the present as its time of issue, remember its sequence, and report <see cref="Publication.HandleSigned"/>.</summary>
    /// <param name="Content">What it says.</param>
    /// <param name="State">Live, or withdrawn for a tombstone.</param>
    /// <param name="Sequence">Its sequence.</param>
    /// <param name="Issued">Its time of issue.</param>
    /// <param name="TimeToLive">How long it holds.</param>
    public sealed record Sign(RecordContent Content, RecordState State, long Sequence, WallTime Issued, TimeSpan TimeToLive) : PublicationOutput;

    /// <summary>Find the k nodes nearest to the record's key, ask each to hold it, and report <see cref="Publication.HandleStored"/>.</summary>
    /// <param name="Record">What was signed last.</param>
    public sealed record Store(VerifiedRecord Record) : PublicationOutput;

    /// <summary>The record, as it was updated last, has come into force: <see cref="Publication.IsInForce"/> is true from now on. Tell those who wait for it.</summary>
    public sealed record InForce : PublicationOutput;

    /// <summary>The tombstone stands, or all that it takes back is over: so is the publication.</summary>
    public sealed record Withdrawn : PublicationOutput;
}

/// <summary>Intervals of a publication.</summary>
public sealed record PublicationOptions
{
    /// <summary>How long a record holds. Default 30 min; <see cref="RecordBody.MinTimeToLive"/> to <see cref="RecordBody.MaxTimeToLive"/>, whole seconds.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The longest wait after a first attempt that did not bring the record into force. Default 500 ms; it doubles with each, and is drawn from 0 to that.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait after any such attempt. Default 30 s.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait after an attempt that everybody answered, some by holding the record and the others by a refusal. Default 5 min.</summary>
    /// <remarks>A holder that is full or forbids the record changes its mind slowly, if ever, and each attempt asks all the others again.</remarks>
    public TimeSpan LongestWaitWhenRefused { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>Keeps one record of this node in the DHT, until it is withdrawn (docs/protocol/09-records.md [REC-15] to [REC-19]).</summary>
/// <remarks>A core: performs no I/O and reads no clock. A record that is not in force is offered again until it is; so is the tombstone that takes it back, as long as the record lives.</remarks>
public sealed class Publication
{
    private readonly PublicationOptions _options;
    private RecordContent _content;
    private RecordState _state = RecordState.Live;
    private VerifiedRecord? _record;
    private Step _step = Step.SignNow;
    private Instant _signedAt;
    // When the last of the records that a tombstone takes back is over wherever it is held; null before anything was signed.
    private Instant? _livesUntil;
    private Instant _wakeAt = Instant.Never;
    private Step _whenRested;
    private int _failures;
    private bool _isChanged;
    private bool _wasOvertaken;
    private bool _isInForceUntold;

    /// <summary>Begins to publish; <see cref="TryPoll"/> asks for the signature.</summary>
    /// <param name="content">What to publish.</param>
    /// <param name="lastSequence">The sequence that this node last used under the key; -1 when it never did or has forgotten.</param>
    /// <param name="options">Intervals.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time to live is outside its range.</exception>
    public Publication(RecordContent content, long lastSequence, PublicationOptions options)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TimeToLive, RecordBody.MinTimeToLive, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.TimeToLive, RecordBody.MaxTimeToLive, nameof(options));
        _content = content;
        LastSequence = lastSequence;
        _options = options;
    }

    private enum Step
    {
        SignNow,
        Signing,
        StoreNow,
        Storing,
        Resting,
        TellNow,
        Over,
    }

    /// <summary>The sequence used last; keep it over a restart if that is possible.</summary>
    public long LastSequence { get; private set; }

    /// <summary>The record as it was signed last; null before the first signature. This node answers with it for itself.</summary>
    public VerifiedRecord? Record => _record;

    /// <summary>Whether the record, as it was updated last, stood on enough of the nearest nodes when they were last asked [REC-19]. False once it is withdrawn.</summary>
    /// <remarks>It stays true while the same content is signed and stored anew, unless that finds too few holders.</remarks>
    public bool IsInForce { get; private set; }

    /// <summary>Signs and stores the record anew, since the nodes that should hold it may be others now; does nothing once it is over.</summary>
    public void Republish()
    {
        if (_step is not (Step.TellNow or Step.Over))
        {
            SignAgain();
        }
    }

    /// <summary>The record changes, such as its load, or stands again after it was withdrawn: it is signed and stored anew. Not once it is over.</summary>
    /// <param name="content">What it says now; of the same kind and under the same key.</param>
    public void Update(RecordContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Invariant.Hold(content.Kind == _content.Kind, "An update says something else under the same key.");
        Invariant.Hold(_step != Step.Over, "What is over is published by another publication.");
        if (_state == RecordState.Withdrawn || !content.Equals(_content))
        {
            _failures = 0;
            // [REC-15]: by the same publication, so that its sequence is greater than the tombstone's, which may still be under way.
            _state = RecordState.Live;
            _content = content;
            FallOutOfForce();
            SignAgain();
        }
    }

    /// <summary>Takes the record back: a tombstone takes its place.</summary>
    public void Withdraw()
    {
        if (_state == RecordState.Live)
        {
            _state = RecordState.Withdrawn;
            _failures = 0;
            FallOutOfForce();
            SignAgain();
        }
    }

    /// <summary>The record that was asked for is signed.</summary>
    public void HandleSigned(VerifiedRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (_step != Step.Signing)
        {
            return;
        }

        _record = record;
        _step = _isChanged ? Step.SignNow : Step.StoreNow;
        _isChanged = false;
    }

    /// <summary>The nodes nearest to the key were asked to hold the record.</summary>
    /// <param name="tally">Who holds it now.</param>
    /// <param name="now">The present.</param>
    /// <param name="wallNow">The present of the wall clock, by which a sequence that holders name is judged.</param>
    /// <param name="random">Where waits and jitter come from.</param>
    public void HandleStored(StoreTally tally, Instant now, WallTime wallNow, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(tally);
        ArgumentNullException.ThrowIfNull(random);
        if (_step != Step.Storing)
        {
            return;
        }

        // [REC-16]: this node has lost its state or its clock went back; it goes on from what others remember.
        var isOvertaken = tally.Newest >= LastSequence && !IsOutOfReach(tally.Newest, wallNow);
        LastSequence = isOvertaken ? tally.Newest : LastSequence;
        if (_isChanged || (isOvertaken && !_wasOvertaken))
        {
            _isChanged = false;
            _step = Step.SignNow;
        }
        else if (isOvertaken)
        {
            // [REC-16]: twice in a row, somebody else publishes with this node's key; the two must not chase each other without a pause.
            FallOutOfForce();
            RestAfterFailure(Step.SignNow, _options.LongestWait, now, random);
        }
        else if (_state == RecordState.Withdrawn)
        {
            HandleTombstoneStored(tally, now, random);
        }
        else
        {
            HandleLiveStored(tally, now, random);
        }

        _wasOvertaken = isOvertaken;
    }

    /// <summary>When to call <see cref="TryPoll"/>; <see cref="Instant.Never"/> while something is awaited, and once the publication is over.</summary>
    public Instant PollTimeout() => _step == Step.Resting ? _wakeAt : Instant.Never;

    /// <summary>Takes the next thing to do; false when there is nothing until something happens.</summary>
    /// <param name="now">The present.</param>
    /// <param name="wallNow">The present of the wall clock, for sequence and time of issue.</param>
    /// <param name="output">What to do; null when the answer is false.</param>
    public bool TryPoll(Instant now, WallTime wallNow, [NotNullWhen(true)] out PublicationOutput? output)
    {
        output = null;
        if (_step == Step.Resting && now >= _wakeAt)
        {
            _step = _whenRested;
        }

        switch (_step)
        {
            case var _ when _isInForceUntold:
                _isInForceUntold = false;
                output = new PublicationOutput.InForce();
                break;
            case Step.SignNow:
                // [REC-15]: greater than before, and than whatever was used before this node lost its state.
                LastSequence = IsOutOfReach(LastSequence, wallNow) ? wallNow.UnixMilliseconds : Math.Max(LastSequence + 1, wallNow.UnixMilliseconds);
                _step = Step.Signing;
                _signedAt = now;
                // A holder's clock may be behind this one by as much as it lets a record come from the future.
                _livesUntil = _state == RecordState.Live || _livesUntil is null ? now + _options.TimeToLive + RecordSet.MaxClockLead : _livesUntil;
                output = new PublicationOutput.Sign(_content, _state, LastSequence, wallNow, _options.TimeToLive);
                break;
            case Step.StoreNow:
                Invariant.Hold(_record is not null, "What is stored was signed.");
                _step = Step.Storing;
                output = new PublicationOutput.Store(_record);
                break;
            case Step.TellNow:
                _step = Step.Over;
                output = new PublicationOutput.Withdrawn();
                break;
            default:
                break;
        }

        return output is not null;
    }

    private void HandleTombstoneStored(StoreTally tally, Instant now, RandomSource random)
    {
        // [REC-18]: a holder that has missed the tombstone would serve the record until its end.
        if (tally.IsInForce || now >= _livesUntil)
        {
            _step = Step.TellNow;
            return;
        }

        RestAfterFailure(tally, now, random);

        // [REC-17]: the record may be over later than the tombstone, and no holder takes what is over itself.
        var signAgainAt = _signedAt + (_options.TimeToLive / 2);
        if (_wakeAt >= signAgainAt)
        {
            Rest(Step.SignNow, signAgainAt);
        }

        if (_livesUntil is { } end && _wakeAt >= end)
        {
            Rest(Step.TellNow, end);
        }
    }

    private void HandleLiveStored(StoreTally tally, Instant now, RandomSource random)
    {
        // [REC-17]: never later than half the time to live after it was signed, and not all records of a node at once.
        var signAgainAt = _signedAt + (_options.TimeToLive * (0.4 + (0.1 * random.NextDouble())));
        if (tally.IsInForce)
        {
            _failures = 0;
            _isInForceUntold |= !IsInForce;
            IsInForce = true;
            Rest(Step.SignNow, signAgainAt);
            return;
        }

        FallOutOfForce();
        RestAfterFailure(tally, now, random);
        if (_wakeAt >= signAgainAt)
        {
            Rest(Step.SignNow, signAgainAt);
        }
    }

    // No holder takes a sequence from the future, and a clock that is behind by more than the time to live publishes nothing that holds. So what lies
    // further ahead than both was signed by a clock that was wrong, and following it would shut this node out until then.
    private bool IsOutOfReach(long sequence, WallTime wallNow) => sequence > (wallNow + _options.TimeToLive + RecordSet.MaxClockLead).UnixMilliseconds;

    // [REC-19]: who holds the record already has nothing to do when it comes again, so it is not signed anew, until its time comes.
    // One that nobody took may have been refused for its time of issue, by a clock that was wrong: that one is.
    private void RestAfterFailure(StoreTally tally, Instant now, RandomSource random) => RestAfterFailure(
        tally.IsHeld ? Step.StoreNow : Step.SignNow, tally is { IsHeld: true, IsAnswered: true } ? _options.LongestWaitWhenRefused : _options.LongestWait, now, random);

    private void RestAfterFailure(Step next, TimeSpan longestWait, Instant now, RandomSource random) =>
        Rest(next, now + Backoff.Draw(++_failures, _options.FirstWait, longestWait, random));

    private void Rest(Step next, Instant wakeAt)
    {
        _step = Step.Resting;
        _whenRested = next;
        _wakeAt = wakeAt;
    }

    private void FallOutOfForce()
    {
        IsInForce = false;
        _isInForceUntold = false;
    }

    private void SignAgain()
    {
        if (_step is Step.Signing or Step.Storing)
        {
            _isChanged = true;
        }
        else
        {
            _step = Step.SignNow;
        }
    }
}
