using Macula.Rpc;

namespace Macula.Testing.Simulation.Invariants;

/// <summary>Invariant 1: a call completes exactly once, with its own answer or a true error; a handler runs at most once per call unless the call is idempotent.</summary>
public sealed class CallChecker : InvariantChecker
{
    // Turns of queues take no virtual time; what ends a call at its deadline is a timer of that very moment.
    private static readonly TimeSpan DeadlineGrace = TimeSpan.FromMilliseconds(100);

    private readonly SortedDictionary<long, Call> _calls = [];
    // An idempotent call may run at one node twice at a time; which run is over is not said, and the older one is taken to be.
    private readonly Dictionary<(string Node, long Call), Queue<TimeSpan>> _entered = [];

    /// <inheritdoc/>
    public override int Invariant => 1;

    /// <inheritdoc/>
    public override void Handle(Observation observation)
    {
        switch (observation)
        {
            case Observation.CallStarted started:
                _calls.Add(started.Call, new Call(started));
                break;
            case Observation.HandlerEntered entered:
                HandleEntered(entered);
                break;
            case Observation.HandlerLeft left:
                HandleLeft(left);
                break;
            case Observation.CallGivenUp givenUp when _calls.TryGetValue(givenUp.Call, out var call):
                call.GiveUp(givenUp.At);
                break;
            case Observation.CallEnded ended:
                HandleEnded(ended);
                break;
            case Observation.Killed killed:
                // Its calls end with it: there is nobody left to whom they could come back. Those that were due before are late all the same.
                ForEachOpenCallOf(killed.Node, call =>
                {
                    call.IsAbandoned = true;
                    ReportIfLate(call, killed.At);
                });
                break;
            case Observation.Stopped stopped:
                ForEachOpenCallOf(stopped.Node, call =>
                {
                    call.IsAbandoned = true;
                    Report(stopped.At, stopped.Node, $"Call {call.Start.Call} had not ended when its caller had stopped.");
                });
                break;
        }
    }

    /// <inheritdoc/>
    public override void Finish(TimeSpan at)
    {
        foreach (var call in _calls.Values.Where(call => call.IsOpen))
        {
            ReportIfLate(call, at);
        }
    }

    private void ReportIfLate(Call call, TimeSpan at)
    {
        if (call.EndsBy < at)
        {
            Report(at, call.Start.Node, $"Call {call.Start.Call} never ended; it was due at {call.EndsBy - DeadlineGrace}.");
        }
    }

    private void ForEachOpenCallOf(string node, Action<Call> action)
    {
        foreach (var call in _calls.Values.Where(call => call.IsOpen && call.Start.Node == node))
        {
            action(call);
        }
    }

    private void HandleEntered(Observation.HandlerEntered entered)
    {
        if (!_calls.TryGetValue(entered.Call, out var call))
        {
            Report(entered.At, entered.Node, $"A handler ran for call {entered.Call}, which nobody made.");
            return;
        }

        call.Runs++;
        if (!_entered.TryGetValue((entered.Node, entered.Call), out var runs))
        {
            _entered.Add((entered.Node, entered.Call), runs = new Queue<TimeSpan>());
        }

        runs.Enqueue(entered.At);
        if (call.Runs > 1 && call.Start.Repetition == CallRepetition.AtMostOnce)
        {
            Report(entered.At, entered.Node, $"The handler of call {entered.Call} ran {call.Runs} times, and the call is not idempotent.");
        }

        if (call.Outcome == CallOutcome.FailedUnstarted)
        {
            Report(entered.At, entered.Node, $"The handler of call {entered.Call} ran after the caller had been told that it would not ({call.Detail}).");
        }
    }

    // The time that is left travels with the call and begins to run where it arrives: what the way has taken comes on top, at most.
    private void HandleLeft(Observation.HandlerLeft left)
    {
        if (_calls.TryGetValue(left.Call, out var call) && _entered.TryGetValue((left.Node, left.Call), out var runs) && runs.TryDequeue(out var entered) && left.At - entered > call.Start.Deadline + DeadlineGrace)
        {
            Report(left.At, left.Node, $"The handler of call {left.Call} ran for {(left.At - entered).TotalSeconds:0.000} s; the call's deadline was {call.Start.Deadline.TotalSeconds:0.000} s.");
        }
    }

    private void HandleEnded(Observation.CallEnded ended)
    {
        if (!_calls.TryGetValue(ended.Call, out var call))
        {
            Report(ended.At, ended.Node, $"Call {ended.Call} ended, and nobody made it.");
            return;
        }

        if (call.Outcome is { } before)
        {
            Report(ended.At, ended.Node, $"Call {ended.Call} ended twice: {before}, then {ended.Outcome}.");
        }

        call.Outcome = ended.Outcome;
        call.Detail = ended.Detail;
        if (ended.At > call.EndsBy)
        {
            Report(ended.At, ended.Node, $"Call {ended.Call} ended {(ended.At - call.Start.At).TotalSeconds:0.000} s after it was made; its deadline was {call.Start.Deadline.TotalSeconds:0.000} s{(call.WasGivenUp ? ", and it had been given up" : "")}.");
        }

        if (ended.Outcome == CallOutcome.FailedUnstarted && call.Runs > 0)
        {
            Report(ended.At, ended.Node, $"Call {ended.Call} failed as one whose handler did not run, but it ran ({ended.Detail}).");
        }

        if (ended.Outcome == CallOutcome.Returned ? call.Runs == 0 || ended.Answer != ended.Call : ended.Answer is { } answer && answer != ended.Call)
        {
            Report(ended.At, ended.Node, $"Call {ended.Call} got the answer to {ended.Answer}; its handler ran {call.Runs} times.");
        }
    }

    private sealed class Call(Observation.CallStarted start)
    {
        public Observation.CallStarted Start { get; } = start;

        public TimeSpan EndsBy { get; private set; } = start.At + start.Deadline + DeadlineGrace;

        public bool WasGivenUp { get; private set; }

        public int Runs { get; set; }

        public CallOutcome? Outcome { get; set; }

        public string Detail { get; set; } = "";

        public bool IsAbandoned { get; set; }

        public bool IsOpen => Outcome is null && !IsAbandoned;

        public void GiveUp(TimeSpan at)
        {
            WasGivenUp = true;
            EndsBy = at + DeadlineGrace < EndsBy ? at + DeadlineGrace : EndsBy;
        }
    }
}
