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
internal sealed class CallClient(RealmServices realm, Func<CallOptions, MeshConnection?, CancellationToken, ValueTask<MeshConnection>> connect)
{
    private static readonly TimeSpan MinDeadline = TimeSpan.FromMilliseconds(1);

    // A connection that was kept may turn out dead, and the next one may be replaced by a simultaneous dial; a third failure is the network's.
    private const int MaxAttempts = 3;

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
            return await CallUntilItStartsAsync(call, options, end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CallException(
                ErrorCode.DeadlineExceeded, call.Execution, $"{call.Procedure} gave no result within {options.Deadline.TotalMilliseconds:0} ms.");
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    private async ValueTask<CallReply> CallUntilItStartsAsync(OutgoingCall call, CallOptions options, CancellationToken cancellationToken)
    {
        MeshConnection? dead = null;
        for (var attempt = 1; ; attempt++)
        {
            MeshConnection? connection = null;
            try
            {
                connection = await connect(options, dead, cancellationToken);
                if (await call.TryRunAsync(connection, cancellationToken) is { } reply)
                {
                    return reply;
                }

                dead = connection;
            }
            catch (ConnectionClosedException) when (MayRepeat(call, options) && attempt < MaxAttempts)
            {
                dead = connection;
                continue;
            }
            catch (MaculaException exception) when (exception is not CallException)
            {
                throw new CallException(exception.Code, call.Execution, exception.Message, exception);
            }

            if (attempt >= MaxAttempts)
            {
                throw new CallException(ErrorCode.ConnectionLost, call.Execution, "The connection was replaced again and again.");
            }
        }
    }

    private static bool MayRepeat(OutgoingCall call, CallOptions options) =>
        call.Execution == CallExecution.NotStarted || options.Repetition == CallRepetition.Idempotent;
}
