using System.Diagnostics;
using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>Makes the calls of one realm: each on a queue of its own, with one deadline over everything.</summary>
internal sealed class CallClient(RealmServices realm, CallRoutes routes, LocalLink local)
{
    private static readonly TimeSpan MinDeadline = TimeSpan.FromMilliseconds(1);

    // A connection that was kept may turn out dead, and the next one may be replaced by a simultaneous dial; a third failure is the network's.
    private const int MaxAttempts = 3;

    // Of a procedure that a thousand nodes provide, so many are tried before the failure is the network's.
    private const int MaxTargets = 8;

    /// <summary>Makes a call.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is out of range.</exception>
    /// <exception cref="CallException">The call ended without a result.</exception>
    /// <exception cref="OperationCanceledException">The token fired. The handler may have run.</exception>
    public ValueTask<CallReply> CallAsync(ProcedureName procedure, Payload argument, CallOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Deadline, MinDeadline, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Deadline, CallFrame.MaxTimeLeft, nameof(options));

        // Queues carry no ambient context: the caller's span is taken along here.
        var parent = Activity.Current;
        return realm.Scheduler.CreateQueue().RunAsync(() => MeasureAsync(procedure, argument, options, parent, cancellationToken));
    }

    private async ValueTask<CallReply> MeasureAsync(
        ProcedureName procedure, Payload argument, CallOptions options, Activity? parent, CancellationToken cancellationToken)
    {
        var started = realm.Scheduler.Now;
        var outcome = ErrorCode.NoError;
        using var activity = MeshActivity.StartClient(procedure, parent);
        var call = new OutgoingCall(realm, procedure, argument, options, started, MeshActivity.TraceParentOf(activity ?? parent));
        try
        {
            return await CallWithinDeadlineAsync(call, options, cancellationToken);
        }
        catch (CallException exception)
        {
            outcome = exception.Code;
            throw;
        }
        catch (OperationCanceledException)
        {
            outcome = ErrorCode.Cancelled;
            throw;
        }
        finally
        {
            realm.Metrics.CallMade(realm.Scheduler.Now - started, outcome);
        }
    }

    private async ValueTask<CallReply> CallWithinDeadlineAsync(OutgoingCall call, CallOptions options, CancellationToken cancellationToken)
    {
        // [RPC-6]: one's own copy of the policy is asked before anything is sent.
        try
        {
            realm.DemandOwn(MeshAction.Call, call.Procedure.Value);
        }
        catch (MaculaException refusal)
        {
            throw new CallException(refusal.Code, CallExecution.NotStarted, refusal.Message, refusal);
        }

        // One source that both the deadline and the caller's token end; a linked one would bring a timer by another clock.
        using var end = new CancellationTokenSource(options.Deadline, realm.Scheduler.Time);
        await using var givingUp = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), end);
        try
        {
            return await CallSomebodyAsync(call, options, end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            if (call.Awaited is { } silent)
            {
                routes.HandleUnanswered(silent);
            }

            throw new CallException(
                ErrorCode.DeadlineExceeded, call.Execution, $"{call.Procedure} gave no result within {options.Deadline.TotalMilliseconds:0} ms.");
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    private async ValueTask<CallReply> CallSomebodyAsync(OutgoingCall call, CallOptions options, CancellationToken cancellationToken)
    {
        if (!IsLocal(call.Procedure, options))
        {
            return await CallOthersAsync(call, options, MaxTargets, before: null, cancellationToken);
        }

        CallException failure;
        try
        {
            return await CallSelfAsync(call, cancellationToken);
        }
        catch (CallException exception) when (options.Node is null && MayGoOn(exception, call, options))
        {
            // [RPC-18]: this node is a provider like any other, and others may do what it could not.
            failure = exception;
        }

        return await CallOthersAsync(call, options, MaxTargets - 1, failure, cancellationToken);
    }

    // [RPC-18]: this node is the nearest provider; who is named must answer, wherever it is.
    private bool IsLocal(ProcedureName procedure, CallOptions options) =>
        options.Node is { } node ? node == realm.Self.NodeId : options.At is null && local.Provides(procedure);

    private async ValueTask<CallReply> CallSelfAsync(OutgoingCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.TryRunAsync(local, cancellationToken) ?? throw new CallException(ErrorCode.ShuttingDown, call.Execution);
        }
        catch (MaculaException exception) when (exception is not CallException)
        {
            throw new CallException(exception.Code, call.Execution, exception.Message, exception);
        }
    }

    // The failure of the one that was tried before says more than that there is no other.
    private async ValueTask<CallReply> CallOthersAsync(
        OutgoingCall call, CallOptions options, int mostTargets, CallException? before, CancellationToken cancellationToken)
    {
        IReadOnlyList<CallTarget> targets;
        try
        {
            targets = await routes.FindAsync(call.Procedure, options, cancellationToken);
        }
        catch (MaculaException exception)
        {
            throw before ?? new CallException(exception.Code, CallExecution.NotStarted, exception.Message, exception);
        }

        var left = targets.Take(mostTargets).ToList();
        while (true)
        {
            try
            {
                return await CallUntilItStartsAsync(call, left, options, cancellationToken);
            }
            catch (CallException exception) when (left.Count > 0 && MayGoOn(exception, call, options))
            {
                // [RPC-15]: another provider may do what this one provably did not begin.
            }
        }
    }

    // A target that has failed leaves the list; when none could be reached, all have.
    private async ValueTask<CallReply> CallUntilItStartsAsync(OutgoingCall call, List<CallTarget> targets, CallOptions options, CancellationToken cancellationToken)
    {
        MeshConnection? dead = null;
        for (var attempt = 1; ; attempt++)
        {
            (MeshConnection Connection, int Index)? reached = null;
            try
            {
                reached = await routes.ConnectAsync(targets, dead, cancellationToken);
                if (await call.TryRunAsync(reached.Value.Connection, cancellationToken) is { } reply)
                {
                    return reply;
                }

                dead = reached.Value.Connection;
            }
            catch (ConnectionClosedException) when (MayRepeat(call, options) && attempt < MaxAttempts)
            {
                dead = reached?.Connection;
                continue;
            }
            catch (MaculaException exception)
            {
                targets.RemoveRange(reached?.Index ?? 0, reached is null ? targets.Count : 1);
                throw exception as CallException ?? new CallException(exception.Code, call.Execution, exception.Message, exception);
            }

            if (attempt >= MaxAttempts)
            {
                targets.RemoveAt(reached.Value.Index);
                throw new CallException(ErrorCode.ConnectionLost, call.Execution, "The connection was replaced again and again.");
            }
        }
    }

    private static bool MayGoOn(CallException failure, OutgoingCall call, CallOptions options) => failure.IsTransient && MayRepeat(call, options);

    private static bool MayRepeat(OutgoingCall call, CallOptions options) =>
        call.Execution == CallExecution.NotStarted || options.Repetition == CallRepetition.Idempotent;
}
