using Macula.Diagnostics;
using Macula.Identity.Certificates;
using Macula.Identity.Policy;
using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Rpc;

/// <summary>One call at its provider, from its request to its answer.</summary>
/// <remarks>Runs on a queue of its own.</remarks>
#pragma warning disable CA1001 // A source without timer or link holds nothing to let go of, and a timeout that is posted late may still look at it.
internal sealed class ServedCall(RealmServices realm, CallServer server, TransportStream stream, NodeIdentity caller, SerialQueue queue, CallFrame call)
#pragma warning restore CA1001
{
    // An answer that the caller's machine has not acknowledged by now will not arrive.
    private static readonly TimeSpan DeliveryTimeout = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private Task<ulong?>? _writesClosed;
    private bool _deadlineHasPassed;
    private bool _callerHasLeft;
    private bool _handled;

    /// <summary>Serves the call; the stream stays the caller's to let go of.</summary>
    public async ValueTask RunAsync()
    {
        var started = realm.Scheduler.Now;
        ErrorCode outcome;
        try
        {
            outcome = await ServeAsync();
            await WaitForDeliveryAsync();
        }
        catch (ConnectionClosedException)
        {
            // [RPC-3]: there is nobody left to answer.
            outcome = ErrorCode.ConnectionLost;
        }
        catch (StreamAbortedException)
        {
            outcome = ErrorCode.Cancelled;
        }

        realm.Metrics.CallServed(realm.Scheduler.Now - started, outcome);
    }

    private async ValueTask<ErrorCode> ServeAsync()
    {
        if (server.IsStopping)
        {
            return await AnswerAsync(ErrorCode.ShuttingDown, ErrorCodes.Describe(ErrorCode.ShuttingDown).Meaning, CallExecution.NotStarted);
        }

        // [RPC-6]: permission first, so that a caller without it does not learn what is provided.
        var decision = realm.Authorizer.Authorize(caller, MeshAction.Call, call.Procedure.Value);
        if (!decision.IsAllowed)
        {
            if (realm.PermissionGate.TryPass(realm.Scheduler.Now, out var suppressed))
            {
                realm.Logger.CallNotPermitted(caller.NodeId, call.Procedure, decision.Sentence, suppressed);
            }

            return await AnswerAsync(ErrorCode.NotPermitted, ErrorCodes.Describe(ErrorCode.NotPermitted).Meaning, CallExecution.NotStarted);
        }

        return server.Procedures.Find(call.Procedure) is { } handler
            ? await ExecuteAsync(handler)
            : await AnswerAsync(ErrorCode.NoSuchProcedure, $"This node does not provide {call.Procedure}.", CallExecution.NotStarted);
    }

    private void PostTimeout() => queue.Post(static state => ((ServedCall)state!).HandleTimeout(), this);

    private void HandleTimeout()
    {
        if (!_handled)
        {
            _deadlineHasPassed = true;
            StopHandler();
        }
    }

    private void StopHandler()
    {
        try
        {
            _stop.Cancel();
        }
        catch (AggregateException exception)
        {
            // What the application registered with the token has thrown; the call ends all the same.
            LogHandlerFailure(exception);
        }
    }

    private async ValueTask<ErrorCode> ExecuteAsync(CallHandler handler)
    {
        // It only posts to this call's queue, since what the application registered with its token runs where the token is cancelled, and
        // may throw.
        using var timer = realm.Scheduler.Time.CreateTimer(
            static state => ((ServedCall)state!).PostTimeout(), this, call.TimeLeft, Timeout.InfiniteTimeSpan);
        var incoming = new IncomingCall(call.Procedure, caller, call.Argument, realm.Scheduler.Now + call.TimeLeft);
        var handling = HandleAsync(handler, incoming).AsTask();
        if (!handling.IsCompleted)
        {
            realm.Tasks.Run(StopWhenCallerLeavesAsync);
        }

        var outcome = await handling;
        _handled = true;
        if (_deadlineHasPassed)
        {
            return await AnswerAsync(ErrorCode.DeadlineExceeded, "The deadline passed while the handler ran.", CallExecution.Started);
        }

        switch (outcome)
        {
            case HandlerOutcome.Returned returned when !_callerHasLeft:
                await CallFrames.WriteAsync(stream, new ResultFrame(returned.Value));
                return ErrorCode.NoError;
            case HandlerOutcome.Threw threw when !_callerHasLeft:
                return await AnswerAsync(threw.Code, threw.Message, CallExecution.Started);
            default:
                // [RPC-3]: the caller has given up.
                stream.Reset((ulong)ErrorCode.Cancelled);
                return ErrorCode.Cancelled;
        }
    }

    private async ValueTask<HandlerOutcome> HandleAsync(CallHandler handler, IncomingCall incoming)
    {
        using var activity = MeshActivity.StartServer(call.Procedure, call.TraceParent);
#pragma warning disable CA1031
        try
        {
            return await handler(incoming, _stop.Token) is { } result
                ? new HandlerOutcome.Returned(result)
                : throw new InvalidOperationException("The handler returned null; a result without a value is Payload.Nil.");
        }
        catch (MaculaException refusal) when (refusal is not CallException && refusal.Code is ErrorCode.InvalidArgument or ErrorCode.PayloadTooLarge)
        {
            return new HandlerOutcome.Threw(refusal.Code, refusal.Message);
        }

        // A task root: a handler is the application's and may throw anything; the call ends, and its caller learns of it ([RPC-8]).
        catch (Exception exception)
        {
            if (!_stop.IsCancellationRequested)
            {
                LogHandlerFailure(exception);
            }

            // An exception of the application's may have a null for its message, whatever its type says.
            return new HandlerOutcome.Threw(ErrorCode.HandlerFailed, exception.Message ?? "");
        }
#pragma warning restore CA1031
    }

    private void LogHandlerFailure(Exception exception)
    {
        if (realm.HandlerGate.TryPass(realm.Scheduler.Now, out var suppressed))
        {
            realm.Logger.HandlerFailed(caller.NodeId, suppressed, exception);
        }
    }

    private async Task StopWhenCallerLeavesAsync()
    {
        try
        {
            // Null when the answer has arrived: then nothing is left to stop.
            if (await WritesClosedAsync() is null)
            {
                return;
            }
        }
        catch (ConnectionClosedException)
        {
            // A caller that has lost its connection has left as well.
        }

        if (!_handled)
        {
            _callerHasLeft = true;
            StopHandler();
        }
    }

    // A connection that drains closes when no call is in use; the call is in use until its answer has arrived.
    private async ValueTask WaitForDeliveryAsync()
    {
        try
        {
            await WritesClosedAsync().WaitAsync(DeliveryTimeout, realm.Scheduler.Time);
        }
        catch (TimeoutException)
        {
            stream.Reset((ulong)ErrorCode.DeadlineExceeded);
        }
    }

    private Task<ulong?> WritesClosedAsync() => _writesClosed ??= stream.WaitForWritesClosedAsync().AsTask();

    private async ValueTask<ErrorCode> AnswerAsync(ErrorCode code, string message, CallExecution execution)
    {
        await CallFrames.WriteAsync(stream, new ErrorFrame(code, message, execution));
        return code;
    }
}
