using Macula.Connections;
using Macula.Diagnostics;
using Macula.Identity.Policy;
using Macula.Identity.Certificates;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Rpc;

/// <summary>One call at its provider, from its first byte to its answer.</summary>
/// <remarks>Runs on a queue of its own.</remarks>
internal sealed class ServedCall(RealmServices realm, CallServer server, TransportStream stream, NodeIdentity caller)
{
    // A request fits a few packets; a caller that takes longer to send it holds a place among the calls for nothing.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    // An answer that the caller's machine has not acknowledged by now will not arrive.
    private static readonly TimeSpan DeliveryTimeout = TimeSpan.FromSeconds(10);

    private Task<ulong?>? _writesClosed;
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
        if (await ReadRequestAsync() is not { } call)
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
            ? await ExecuteAsync(call, handler)
            : await AnswerAsync(ErrorCode.NoSuchProcedure, $"This node does not provide {call.Procedure}.", CallExecution.NotStarted);
    }

    private async ValueTask<CallFrame?> ReadRequestAsync()
    {
        using var patience = new CancellationTokenSource(RequestTimeout, realm.Scheduler.Time);
        FrameRead read;
        try
        {
            read = await new FrameStream(stream).ReadOnlyFrameAsync(FramePlace.Request, patience.Token);
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

    private async ValueTask<ErrorCode> ExecuteAsync(CallFrame request, CallHandler handler)
    {
        var call = new IncomingCall(request.Procedure, caller, request.Argument, realm.Scheduler.Now + request.TimeLeft);
        using var deadline = new CancellationTokenSource(request.TimeLeft, realm.Scheduler.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
        var handling = HandleAsync(handler, call, request.TraceParent, stop.Token).AsTask();
        if (!handling.IsCompleted)
        {
            realm.Tasks.Run(() => StopWhenCallerLeavesAsync(stop));
        }

        var outcome = await handling;
        _handled = true;
        if (deadline.IsCancellationRequested)
        {
            return await AnswerAsync(ErrorCode.DeadlineExceeded, "The deadline passed while the handler ran.", CallExecution.Started);
        }

        switch (outcome)
        {
            case HandlerOutcome.Returned returned when !stop.IsCancellationRequested:
                await CallFrames.WriteAsync(stream, new ResultFrame(returned.Value));
                return ErrorCode.NoError;
            case HandlerOutcome.Threw threw when !stop.IsCancellationRequested:
                return await AnswerAsync(threw.Code, threw.Message, CallExecution.Started);
            default:
                // [RPC-3]: the caller has given up.
                stream.Reset((ulong)ErrorCode.Cancelled);
                return ErrorCode.Cancelled;
        }
    }

    private async ValueTask<HandlerOutcome> HandleAsync(CallHandler handler, IncomingCall call, string? traceParent, CancellationToken cancellationToken)
    {
        using var activity = MeshActivity.StartServer(call.Procedure, traceParent);

        // A task root: a handler is the application's and may throw anything; its caller learns of it ([RPC-8]).
#pragma warning disable CA1031
        try
        {
            return new HandlerOutcome.Returned(await handler(call, cancellationToken));
        }
        catch (MaculaException refusal) when (refusal is not CallException && refusal.Code is ErrorCode.InvalidArgument or ErrorCode.PayloadTooLarge)
        {
            return new HandlerOutcome.Threw(refusal.Code, refusal.Message);
        }
        catch (Exception exception)
        {
            if (!cancellationToken.IsCancellationRequested && realm.HandlerGate.TryPass(realm.Scheduler.Now, out var suppressed))
            {
                realm.Logger.HandlerFailed(call.Procedure, caller.NodeId, suppressed, exception);
            }

            return new HandlerOutcome.Threw(ErrorCode.HandlerFailed, exception.Message);
        }
#pragma warning restore CA1031
    }

    private async Task StopWhenCallerLeavesAsync(CancellationTokenSource stop)
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
            stop.Cancel();
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
