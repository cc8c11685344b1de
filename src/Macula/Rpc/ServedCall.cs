using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Certificates;
using Macula.Identity.Policy;
using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Time;

namespace Macula.Rpc;

/// <summary>One call at its provider, from its first byte to its answer.</summary>
/// <remarks>Runs on a queue of its own.</remarks>
#pragma warning disable CA1001 // A source without timer or link holds nothing to let go of, and a timeout that is posted late may still look at it.
internal sealed class ServedCall(RealmServices realm, CallServer server, TransportStream stream, NodeIdentity caller, SerialQueue queue)
#pragma warning restore CA1001
{
    // A request fits a few packets; a caller that takes longer to send it holds a place among the calls for nothing.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    // An answer that the caller's machine has not acknowledged by now will not arrive.
    private static readonly TimeSpan DeliveryTimeout = TimeSpan.FromSeconds(10);

    // A timer of the system may fire so much before its time by the monotonic clock.
    private static readonly TimeSpan TimerEarliness = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _incomplete = new();
    private readonly CancellationTokenSource _stop = new();
    private Task<ulong?>? _writesClosed;
    private Instant _deadline;
    private bool _requestIsHere;
    private bool _deadlineHasPassed;
    private bool _callerHasLeft;
    private bool _handled;

    /// <summary>Serves the call.</summary>
    public async ValueTask RunAsync()
    {
        var started = realm.Scheduler.Now;
        await using (stream)
        {
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
    }

    private async ValueTask<ErrorCode> ServeAsync()
    {
        // One timer for both waits: for the whole request, and then for the handler. It only posts to this call's queue, since what the
        // application registered with its token runs where the token is cancelled, and may throw.
        using var timer = realm.Scheduler.Time.CreateTimer(
            static state => ((ServedCall)state!).PostTimeout(), this, RequestTimeout, Timeout.InfiniteTimeSpan);
        if (await ReadRequestAsync(_incomplete.Token) is not { } call)
        {
            return ErrorCode.MalformedFrame;
        }

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
            ? await ExecuteAsync(call, handler, timer)
            : await AnswerAsync(ErrorCode.NoSuchProcedure, $"This node does not provide {call.Procedure}.", CallExecution.NotStarted);
    }

    private async ValueTask<CallFrame?> ReadRequestAsync(CancellationToken patience)
    {
        FrameRead read;
        try
        {
            read = await FrameStream.ReadOnlyFrameAsync(stream, FramePlace.Request, patience);
        }
        catch (OperationCanceledException)
        {
            await AnswerAsync(ErrorCode.DeadlineExceeded, "The request was not complete in time.", CallExecution.NotStarted);
            return null;
        }

        if (read.Frame is { } frame)
        {
            if (frame.Type != FrameType.Call)
            {
                read = new FrameRead(null, new ProtocolError(ErrorCode.UnexpectedFrame, "FRM-9", $"a request of type 0x{(ulong)frame.Type:x} is not served here"));
            }
            else if (CallFrame.TryRead(frame.Body, out var call, out var malformed))
            {
                return call;
            }
            else
            {
                read = new FrameRead(null, malformed);
            }
        }

        Invariant.Hold(read.Error is not null, "Reading a request gives a frame or an error.");
        realm.Violated(caller.NodeId, read.Error.Value);

        // [FRM-24]: what is wrong with these the caller can say better, so it gets an answer rather than a reset.
        if (read.Error.Value.Code is ErrorCode.InvalidName or ErrorCode.UnknownContentType or ErrorCode.PayloadTooLarge)
        {
            await AnswerAsync(read.Error.Value.Code, read.Error.Value.Detail, CallExecution.NotStarted);
            return null;
        }

        // [CON-15]: the stream ends, the connection goes on.
        stream.Reset((ulong)read.Error.Value.Code);
        stream.StopReading((ulong)read.Error.Value.Code);
        return null;
    }

    private void PostTimeout() => queue.Post(static state => ((ServedCall)state!).HandleTimeout(), this);

    private void HandleTimeout()
    {
        if (!_requestIsHere)
        {
            _incomplete.Cancel();
        }
        else if (!_handled && realm.Scheduler.Now + TimerEarliness >= _deadline)
        {
            // Before the deadline it is the request's own timeout, which was on its way here when the request came.
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

    private async ValueTask<ErrorCode> ExecuteAsync(CallFrame request, CallHandler handler, ITimer timer)
    {
        _requestIsHere = true;
        _deadline = realm.Scheduler.Now + request.TimeLeft;
        timer.Change(request.TimeLeft, Timeout.InfiniteTimeSpan);
        var call = new IncomingCall(request.Procedure, caller, request.Argument, _deadline);
        var handling = HandleAsync(handler, call, request.TraceParent).AsTask();
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

    private async ValueTask<HandlerOutcome> HandleAsync(CallHandler handler, IncomingCall call, string? traceParent)
    {
        using var activity = MeshActivity.StartServer(call.Procedure, traceParent);
#pragma warning disable CA1031
        try
        {
            return await handler(call, _stop.Token) is { } result
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
