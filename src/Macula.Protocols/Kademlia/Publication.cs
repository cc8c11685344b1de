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

    /// <summary>The tombstone stands: the publication is over.</summary>
    public sealed record Withdrawn : PublicationOutput;
}

/// <summary>Intervals of a publication.</summary>
public sealed record PublicationOptions
{
    /// <summary>How long a record holds. Default 30 min; <see cref="RecordBody.MinTimeToLive"/> to <see cref="RecordBody.MaxTimeToLive"/>, whole seconds.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The longest wait after a first attempt at which nobody took the record. Default 500 ms; it doubles with each, and is drawn from 0 to that.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait after any such attempt. Default 30 s.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Keeps one record of this node in the DHT, until it is withdrawn (docs/protocol/09-records.md [REC-15] to [REC-18]).</summary>
/// <remarks>A core: performs no I/O and reads no clock. A record that nobody took is offered again until somebody does.</remarks>
public sealed class Publication
{
    private readonly PublicationOptions _options;
    private RecordContent _content;
    private RecordState _state = RecordState.Live;
    private VerifiedRecord? _record;
    private Step _step = Step.SignNow;
    private Instant _wakeAt = Instant.Never;
    private int _failures;
    private bool _isChanged;

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

    /// <summary>The record changes, such as its load: it is signed and stored anew.</summary>
    /// <param name="content">What it says now; of the same kind and under the same key.</param>
    public void Update(RecordContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Invariant.Hold(content.Kind == _content.Kind, "An update says something else under the same key.");
        if (_state == RecordState.Live && !content.Equals(_content))
        {
            _content = content;
            SignAgain();
        }
    }

    /// <summary>Takes the record back: a tombstone takes its place.</summary>
    public void Withdraw()
    {
        if (_state == RecordState.Live)
        {
            _state = RecordState.Withdrawn;
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
    /// <param name="stored">How many hold it now.</param>
    /// <param name="newest">The greatest sequence of this node that one of them holds instead; -1 when none does.</param>
    /// <param name="now">The present.</param>
    /// <param name="random">Where waits and jitter come from.</param>
    public void HandleStored(int stored, long newest, Instant now, RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_step != Step.Storing)
        {
            return;
        }

        if (_isChanged || newest >= LastSequence)
        {
            // [REC-16]: this node has lost its state or its clock went back; it goes on from what others remember.
            LastSequence = Math.Max(LastSequence, newest);
            _isChanged = false;
            _step = Step.SignNow;
        }
        else if (stored > 0)
        {
            _failures = 0;
            _step = _state == RecordState.Withdrawn ? Step.TellNow : Step.Resting;
            // [REC-17]: never later than half the time to live, and not all records of a node at once.
            _wakeAt = _step == Step.Resting ? now + (_options.TimeToLive * (0.4 + (0.1 * random.NextDouble()))) : Instant.Never;
        }
        else
        {
            _step = Step.Resting;
            _wakeAt = now + Backoff.Draw(++_failures, _options.FirstWait, _options.LongestWait, random);
        }
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
            // Also after a failure: the record's time runs, and a fresh one is as cheap.
            _step = Step.SignNow;
        }

        switch (_step)
        {
            case Step.SignNow:
                // [REC-15]: greater than before, and than whatever was used before this node lost its state.
                LastSequence = Math.Max(LastSequence + 1, wallNow.UnixMilliseconds);
                _step = Step.Signing;
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
