using Macula.Rpc;
using Macula.Testing.VirtualTime;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Testing.Simulation.Nodes;

/// <summary>The calls of one node in one life: some impatient, some idempotent, some given up.</summary>
internal sealed class SimulatedCaller(SimulatedPeer node, MaculaPeer peer, SeededRandomSource random)
{
    private const int CancelledOneIn = 10;
    private const int IdempotentOneIn = 3;

    // The longest deadline is the default one; the shortest ends within a round trip.
    private static readonly TimeSpan ShortestDeadline = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestDeadline = TimeSpan.FromSeconds(10);

    public async Task RunAsync(SimulationPlan plan, CancellationToken stop)
    {
        var calls = new List<Task>();
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(0.2 + (random.NextDouble() * 2)), node.Time, stop);
                if (plan.Phase != SimulationPhase.Check)
                {
                    calls.RemoveAll(static call => call.IsCompletedSuccessfully);
                    calls.Add(CallSomebodyAsync());
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops; what it has called comes to an end all the same.
        }

        await Task.WhenAll(calls);
    }

    /// <summary>Makes a call, and returns what came back; null when it failed or was given up.</summary>
    public async Task<(CallReply? Reply, CallException? Failure)> CallAsync(ProcedureName procedure, CallOptions options, bool mustSucceed, CancellationToken giveUp)
    {
        var history = node.History;
        var number = history.NextNumber();
        history.Add(new Observation.CallStarted(history.Now, node.Name, number, options.Deadline, options.Repetition));
        await using var givingUp = giveUp.UnsafeRegister(_ => history.Add(new Observation.CallGivenUp(history.Now, node.Name, number)), null);
        try
        {
            var reply = await peer.CallAsync(procedure.Value, new SimulatedMessage(number, node.Realm.Tag, node.Id, mustSucceed).ToPayload(), options, giveUp);
            var answer = SimulatedMessage.Read(reply.Payload, node);
            history.Add(new Observation.CallEnded(history.Now, node.Name, number, CallOutcome.Returned, answer?.Number, ""));
            if (answer is not null)
            {
                history.Add(new Observation.Sighted(history.Now, node.Name, node.Realm.Tag, answer.Realm, $"the answer to call {answer.Number}"));
                history.Add(new Observation.IdentitySeen(history.Now, node.Name, answer.Sender, reply.Provider.NodeId));
            }

            return (reply, null);
        }
        catch (CallException failure)
        {
            var answer = SimulatedMessage.NumberOfFailure(failure.Message);
            if (failure.Code == ErrorCode.InvalidArgument && answer is null)
            {
                history.Add(new Observation.Broke(history.Now, node.Name, $"Call {number} failed in words that no handler has said: {failure.Message}"));
            }

            var outcome = failure.Execution == CallExecution.NotStarted ? CallOutcome.FailedUnstarted : CallOutcome.Failed;
            history.Add(new Observation.CallEnded(history.Now, node.Name, number, outcome, answer, $"{failure.Code}: {failure.Message}"));
            history.Count($"call error {failure.Code}");
            return (null, failure);
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            history.Add(new Observation.CallEnded(history.Now, node.Name, number, CallOutcome.Cancelled, null, ""));
            return (null, null);
        }
    }

    private async Task CallSomebodyAsync()
    {
        var procedure = node.Realm.ProcedureNames[random.Next(node.Realm.ProcedureNames.Length)];

        // The cube spreads deadlines over their orders of magnitude.
        var patience = Math.Pow(random.NextDouble(), 3);
        var options = new CallOptions
        {
            Deadline = ShortestDeadline + ((LongestDeadline - ShortestDeadline) * patience),
            Repetition = random.Next(IdempotentOneIn) == 0 ? CallRepetition.Idempotent : CallRepetition.AtMostOnce,
        };
        using var giveUp = random.Next(CancelledOneIn) == 0
            ? new CancellationTokenSource(TimeSpan.FromSeconds(random.NextDouble()), node.Time)
            : new CancellationTokenSource();
        await CallAsync(procedure, options, mustSucceed: false, giveUp.Token);
    }
}
