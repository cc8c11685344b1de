using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Kademlia;

/// <summary>One iterative lookup: walks from the nodes that are known to those nearest to a target (docs/protocol/08-kademlia.md [KAD-10] to [KAD-16]).</summary>
/// <remarks>
/// A core: performs no I/O and reads no clock. It always ends: it asks a bounded number of nodes and lasts a bounded time, whatever they answer.
/// </remarks>
public sealed class Lookup
{
    private readonly LookupGoal _goal;
    private readonly DhtKey _target;
    private readonly NodeId _self;
    private readonly LookupOptions _options;
    private readonly QueryTimeouts _timeouts;
    private readonly SortedList<Distance, LookupCandidate> _candidates = [];
    private readonly ImmutableArray<NodeId>.Builder _holders = ImmutableArray.CreateBuilder<NodeId>();
    private readonly RecordSet _records;
    private readonly Instant _end;
    private int _queries;
    private int _pages;
    private int _withoutProgress;
    private bool _isFinished;

    /// <summary>Begins a lookup; <see cref="TryPoll"/> gives the first queries.</summary>
    /// <param name="goal">Nodes or records.</param>
    /// <param name="target">The point or key.</param>
    /// <param name="self">This node, which is never asked and never in the result.</param>
    /// <param name="known">The nodes to begin with, as from <see cref="RoutingTable.Closest"/>; their addresses are trusted.</param>
    /// <param name="timeouts">What the node has learned of answering times; the lookup adds to it.</param>
    /// <param name="options">Limits.</param>
    /// <param name="now">The present.</param>
    public Lookup(LookupGoal goal, DhtKey target, NodeId self, IEnumerable<Contact> known, QueryTimeouts timeouts, LookupOptions options, Instant now)
    {
        ArgumentNullException.ThrowIfNull(known);
        ArgumentNullException.ThrowIfNull(timeouts);
        ArgumentNullException.ThrowIfNull(options);
        _goal = goal;
        _target = target;
        _self = self;
        _options = options;
        _timeouts = timeouts;
        _records = new RecordSet(options.MaxRecords);
        _end = now + options.MaxDuration;
        foreach (var contact in known)
        {
            Hear(contact, round: 1);
        }
    }

    /// <summary>A node answered a FIND_NODE.</summary>
    /// <param name="from">Who, as its connection proves; one that was not asked is ignored.</param>
    /// <param name="contacts">Whom it named; what is beyond k, this node itself, and addresses that may not be dialled are passed over.</param>
    /// <param name="now">The present.</param>
    public void HandleNodes(NodeId from, IReadOnlyList<Contact> contacts, Instant now)
    {
        ArgumentNullException.ThrowIfNull(contacts);
        if (Awaited(from) is { } candidate)
        {
            Learn(candidate, contacts, now);
            candidate.Answer(nextPageAfter: null);
        }
    }

    /// <summary>A node's answer to a FIND_VALUE is here, and its records are being verified: the node is not silent.</summary>
    /// <param name="from">Who, as its connection proves; one that was not asked is ignored.</param>
    /// <param name="now">The present: so long the node took to answer.</param>
    public void HandleReceived(NodeId from, Instant now)
    {
        if (Awaited(from) is { HasReceived: false } candidate)
        {
            _timeouts.HandleAnswer(now - candidate.AskedAt);
            candidate.Receive(now + _options.VerificationTimeout);
        }
    }

    /// <summary>A node answered a FIND_VALUE, and its records have been verified.</summary>
    /// <param name="from">Who, as its connection proves; one that was not asked is ignored.</param>
    /// <param name="records">Its records as far as they are valid; those under other keys are passed over.</param>
    /// <param name="next">Its last publisher when it has another page; null otherwise.</param>
    /// <param name="contacts">Whom it named, as for <see cref="HandleNodes"/>.</param>
    /// <param name="now">The present.</param>
    /// <param name="wallNow">The present of the wall clock.</param>
    public void HandleRecords(NodeId from, IReadOnlyList<VerifiedRecord> records, NodeId? next, IReadOnlyList<Contact> contacts, Instant now, WallTime wallNow)
    {
        ArgumentNullException.ThrowIfNull(records);
        ArgumentNullException.ThrowIfNull(contacts);
        if (Awaited(from) is not { } candidate)
        {
            return;
        }

        Learn(candidate, contacts, now);
        var merged = records.Where(record => record.Key == _target && _records.Offer(record, now, wallNow) is not RecordOutcome.Refused).ToList();
        if (merged.Count > 0 && !_holders.Contains(from))
        {
            _holders.Add(from);
        }

        // [KAD-15]: a page that brought no further publisher, or does not go on from the one before, is not followed by another.
        var goesOn = merged.Exists(record => !(record.Publisher <= candidate.After)) && next is { } last && !(candidate.After >= last) && _pages < _options.MaxPages;
        candidate.Answer(goesOn ? next : null);
    }

    /// <summary>A node cannot be reached, refused, or broke the protocol.</summary>
    public void HandleFailed(NodeId from)
    {
        if (Awaited(from) is { } candidate)
        {
            candidate.Fail();
            _withoutProgress++;
        }
    }

    /// <summary>Time has passed: see <see cref="PollTimeout"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        foreach (var candidate in _candidates.Values)
        {
            if (candidate.Deadline <= now)
            {
                candidate.FallSilent();
                _withoutProgress++;
            }
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/> and <see cref="TryPoll"/> again; <see cref="Instant.Never"/> once the lookup is over.</summary>
    public Instant PollTimeout()
    {
        var earliest = _isFinished ? Instant.Never : _end;
        foreach (var candidate in _candidates.Values)
        {
            earliest = _isFinished ? earliest : Instant.Earlier(earliest, candidate.Deadline);
        }

        return earliest;
    }

    /// <summary>Takes the next thing to do; false when there is nothing until something happens, and after the end.</summary>
    public bool TryPoll(Instant now, [NotNullWhen(true)] out LookupOutput? output)
    {
        output = null;
        if (_isFinished)
        {
            return false;
        }

        if (FindEnd(now) is { } end)
        {
            _isFinished = true;
            output = new LookupOutput.Finished(Result(end, now));
            return true;
        }

        if (NextPage() is { } paging)
        {
            _pages++;
            output = Ask(paging, now);
        }
        else if (NextToAsk() is { } next)
        {
            _queries++;
            output = Ask(next, now);
        }

        return output is not null;
    }

    private LookupOutput.Query Ask(LookupCandidate candidate, Instant now)
    {
        candidate.Ask(now, now + _timeouts.Current);
        return new LookupOutput.Query(candidate.Contact, _goal, _target, candidate.After);
    }

    private LookupCandidate? Awaited(NodeId from) =>
        !_isFinished && _candidates.TryGetValue(_target.DistanceTo(from), out var candidate) && candidate.IsAwaited ? candidate : null;

    private void Learn(LookupCandidate candidate, IReadOnlyList<Contact> contacts, Instant now)
    {
        if (!candidate.HasReceived)
        {
            _timeouts.HandleAnswer(now - candidate.AskedAt);
        }

        var nearest = _candidates.GetKeyAtIndex(0);
        // [KAD-14]: who names more than k has not read the protocol, and gets no more of a say than who did.
        for (var index = 0; index < Math.Min(contacts.Count, KademliaConstants.BucketSize); index++)
        {
            if (_options.Addresses.Filter(contacts[index]) is { } contact)
            {
                Hear(contact, candidate.Round + 1);
            }
        }

        _withoutProgress = _candidates.GetKeyAtIndex(0) < nearest ? 0 : _withoutProgress + 1;
    }

    private void Hear(Contact contact, int round)
    {
        if (contact.Node == _self)
        {
            return;
        }

        var distance = _target.DistanceTo(contact.Node);
        if (_candidates.TryGetValue(distance, out var known))
        {
            known.HearAgain(contact);
            return;
        }

        _candidates.Add(distance, new LookupCandidate(contact, round));
        if (_candidates.Count > _options.MaxCandidates)
        {
            ForgetFarthest();
        }
    }

    private void ForgetFarthest()
    {
        for (var index = _candidates.Count - 1; index >= 0; index--)
        {
            if (_candidates.GetValueAtIndex(index).State is CandidateState.Heard or CandidateState.Failed)
            {
                _candidates.RemoveAt(index);
                return;
            }
        }
    }

    // [KAD-13]: the k nearest that have not failed decide, and no node farther away is asked.
    private IEnumerable<LookupCandidate> Window() => _candidates.Values.Where(candidate => !candidate.HasFailed).Take(_options.ResultCount);

    private LookupEnd? FindEnd(Instant now)
    {
        var isPaging = _candidates.Values.Any(candidate => candidate.HasAnswered && candidate.State is CandidateState.Asked or CandidateState.MorePages);
        return now >= _end ? LookupEnd.TimeLimit
            : _goal == LookupGoal.Records && HasEnoughHolders() ? LookupEnd.EnoughHolders
            : isPaging ? null
            : Window().All(candidate => candidate.State == CandidateState.Answered) ? LookupEnd.Converged
            : _queries >= _options.MaxQueries && !_candidates.Values.Any(candidate => candidate.State == CandidateState.Asked) ? LookupEnd.QueryLimit
            : null;
    }

    // [KAD-15]: those that have further pages do not count yet, nor do they keep a lookup from its end that has enough without them.
    private bool HasEnoughHolders() =>
        _holders.Count >= _options.SufficientHolders
        && _holders.Count(node => _candidates.TryGetValue(_target.DistanceTo(node), out var candidate) && candidate.State == CandidateState.Answered) >= _options.SufficientHolders;

    private LookupCandidate? NextPage() => _candidates.Values.FirstOrDefault(candidate => candidate.State == CandidateState.MorePages);

    private LookupCandidate? NextToAsk()
    {
        // [KAD-11]: as many answers without progress as there are questions at once means that the walk has stalled.
        var parallelism = _withoutProgress >= _options.Parallelism ? _options.ResultCount : _options.Parallelism;
        return _queries >= _options.MaxQueries || _candidates.Values.Count(candidate => candidate.State == CandidateState.Asked) >= parallelism
            ? null
            : Window().FirstOrDefault(candidate => candidate.State == CandidateState.Heard);
    }

    private LookupResult Result(LookupEnd end, Instant now)
    {
        var answered = _candidates.Values.Where(candidate => candidate.HasAnswered).ToList();
        return new LookupResult(
            end,
            [.. answered.Take(_options.ResultCount).Select(candidate => candidate.Contact)],
            [.. _records.Live(now)],
            _holders.ToImmutable(),
            _queries,
            answered.Count == 0 ? 0 : answered.Max(candidate => candidate.Round));
    }
}
