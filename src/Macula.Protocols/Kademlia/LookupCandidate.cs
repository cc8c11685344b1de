using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

internal enum CandidateState
{
    /// <summary>Named, not asked.</summary>
    Heard,

    /// <summary>Asked; the answer is awaited.</summary>
    Asked,

    /// <summary>Asked and silent for so long that the lookup goes on without it; a late answer still counts.</summary>
    Silent,

    /// <summary>Has answered, and another page of its records is to be asked for.</summary>
    MorePages,

    /// <summary>Has answered.</summary>
    Answered,

    /// <summary>Cannot be reached or does not answer.</summary>
    Failed,
}

/// <summary>A node in the view of one lookup.</summary>
internal sealed class LookupCandidate(Contact contact, int round)
{
    private Contact? _otherAddresses;

    public Contact Contact { get; private set; } = contact;

    /// <summary>Length of the chain of answers that led here.</summary>
    public int Round { get; } = round;

    public CandidateState State { get; private set; }

    public Instant AskedAt { get; private set; }

    public Instant Deadline { get; private set; } = Instant.Never;

    public NodeId? After { get; private set; }

    public bool HasAnswered { get; private set; }

    /// <summary>Whether the answer to what was asked last is here, verified or not.</summary>
    public bool HasReceived { get; private set; }

    public bool HasFailed => State is CandidateState.Silent or CandidateState.Failed;

    public bool IsAwaited => State is CandidateState.Asked or CandidateState.Silent;

    public void Ask(Instant now, Instant deadline)
    {
        State = CandidateState.Asked;
        AskedAt = now;
        HasReceived = false;
        Deadline = deadline;
    }

    /// <summary>The answer is here and being verified.</summary>
    public void Receive(Instant deadline)
    {
        State = CandidateState.Asked;
        Deadline = deadline;
        HasReceived = true;
    }

    public void FallSilent()
    {
        State = CandidateState.Silent;
        Deadline = Instant.Never;
    }

    public void Answer(NodeId? nextPageAfter)
    {
        HasAnswered = true;
        Deadline = Instant.Never;
        After = nextPageAfter;
        State = nextPageAfter is null ? CandidateState.Answered : CandidateState.MorePages;
    }

    /// <summary>Fails, unless somebody named other addresses for the node: those get a chance.</summary>
    public void Fail()
    {
        Deadline = Instant.Never;
        if (HasAnswered)
        {
            // It failed at a later page; what it said before counts.
            State = CandidateState.Answered;
        }
        else if (_otherAddresses is { } other)
        {
            Contact = other;
            _otherAddresses = null;
            State = CandidateState.Heard;
        }
        else
        {
            State = CandidateState.Failed;
        }
    }

    /// <summary>Somebody else named this node. A liar who is first with wrong addresses must not make it unreachable.</summary>
    public void HearAgain(Contact contact)
    {
        if (!HasAnswered && _otherAddresses is null && !contact.Equals(Contact))
        {
            _otherAddresses = contact;
            if (State == CandidateState.Failed)
            {
                Fail();
            }
        }
    }
}
