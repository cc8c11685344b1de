using Macula.Connections;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Rpc;

/// <summary>One call at its caller, over the links that it takes until one carries it.</summary>
/// <remarks>Runs on a queue of its own.</remarks>
internal sealed class OutgoingCall(RealmServices realm, ProcedureName procedure, Payload argument, CallOptions options, Instant started, string? traceParent)
{
    private bool _answeredUnstarted;

    /// <summary>What is called.</summary>
    public ProcedureName Procedure => procedure;

    /// <summary>What is known of the handler if the call ends now: [RPC-5].</summary>
    public CallExecution Execution { get; private set; } = CallExecution.NotStarted;

    /// <summary>What the request went over when no answer has come; null when there is none.</summary>
    public INodeLink? Awaited { get; private set; }

    /// <summary>Makes the call over a link; null when that takes no new calls.</summary>
    /// <exception cref="ConnectionClosedException">The connection ended; see <see cref="Execution"/>.</exception>
    /// <exception cref="CallException">The provider answered with an error, or with what is no answer.</exception>
    /// <exception cref="MaculaException">The link carries as many calls as it may.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the provider is told.</exception>
    public async ValueTask<CallReply?> TryRunAsync(INodeLink link, CancellationToken cancellationToken)
    {
        var stream = await link.TryOpenStreamAsync(ConnectionUse.Application, cancellationToken);
        if (stream is null)
        {
            return null;
        }

        try
        {
            // What an earlier provider answered says nothing about this one.
            _answeredUnstarted = false;
            Awaited = link;
            var reply = await ExchangeAsync(link, stream, cancellationToken);
            Awaited = null;
            return reply;
        }
        catch (CallException)
        {
            Awaited = null;
            throw;
        }
        finally
        {
            // [RPC-3]: a request that is written and has not left yet must not leave any more. Nothing is put into a packet after this, so
            // what was sent is known then and not before.
            if (Awaited is not null)
            {
                stream.Reset((ulong)ErrorCode.Cancelled);
            }

            await stream.DisposeAsync();
            if (stream.AnythingSent && !_answeredUnstarted)
            {
                Note(CallExecution.Unknown);
            }

            link.StreamEnded();
        }
    }

    // What an earlier attempt may have started stays started, whatever a later one says.
    private CallExecution Note(CallExecution execution)
    {
        if (execution == CallExecution.Started || Execution == CallExecution.NotStarted)
        {
            Execution = execution;
        }

        return Execution;
    }

    private async ValueTask<CallReply> ExchangeAsync(INodeLink link, TransportStream stream, CancellationToken cancellationToken)
    {
        var left = started + options.Deadline - realm.Scheduler.Now;
        if (left <= TimeSpan.Zero)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        var flags = options.Repetition == CallRepetition.Idempotent ? CallFlags.Idempotent : CallFlags.None;
        try
        {
            await CallFrames.WriteAsync(stream, new CallFrame(procedure, left, argument, flags, traceParent), cancellationToken);
        }
        catch (StreamAbortedException)
        {
            // The provider wants no more of the argument, and its answer says why.
        }

        FrameRead read;
        try
        {
            read = await FrameStream.ReadAnswerAsync(stream, FrameType.Call, cancellationToken);
        }
        catch (StreamAbortedException exception)
        {
            throw new CallException(OutcomeOf(exception.Code), Note(CallExecution.Unknown), exception.Message, exception);
        }

        if (read.Frame is { } frame)
        {
            if (CallFrames.TryReadAnswer(frame, out var result, out var error, out var malformed))
            {
                return result is not null
                    ? new CallReply(result.Value, link.Peer, link.Path, realm.Scheduler.Now - started)
                    : throw new CallException(error!.Code, NoteAnswer(error.Execution), error.Message);
            }

            read = new FrameRead(null, malformed);
        }

        Invariant.Hold(read.Error is not null, "Reading an answer gives a frame or an error.");
        realm.Violated(link.Peer.NodeId, read.Error.Value);
        throw new CallException(read.Error.Value.Code, Note(CallExecution.Unknown), $"The provider's answer broke the protocol: {read.Error.Value.Detail}.");
    }

    // An answer decides over the attempt that it answers; an earlier one whose outcome is unknown stays unknown.
    private CallExecution NoteAnswer(CallExecution answered)
    {
        _answeredUnstarted = answered == CallExecution.NotStarted && Execution == CallExecution.NotStarted;
        return _answeredUnstarted ? CallExecution.NotStarted : Note(answered == CallExecution.NotStarted ? CallExecution.Unknown : answered);
    }

    // A stream that was ended without a reason is a failure all the same.
    private static ErrorCode OutcomeOf(ErrorCode code) => code == ErrorCode.NoError ? ErrorCode.ConnectionLost : code;
}
