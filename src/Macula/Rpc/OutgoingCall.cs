using Macula.Connections;
using Macula.Diagnostics;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Rpc;

/// <summary>One call at its caller, over the connections that it takes until one carries it.</summary>
/// <remarks>Runs on a queue of its own.</remarks>
internal sealed class OutgoingCall(RealmServices realm, ProcedureName procedure, Payload argument, CallOptions options, Instant started)
{
    /// <summary>What is known of the handler if the call ends now: [RPC-5].</summary>
    public CallExecution Execution { get; private set; } = CallExecution.NotStarted;

    /// <summary>Makes the call over a connection; null when that takes no new calls.</summary>
    /// <exception cref="ConnectionClosedException">The connection ended; see <see cref="Execution"/>.</exception>
    /// <exception cref="CallException">The provider answered with an error, or with what is no answer.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the provider is told.</exception>
    public async ValueTask<CallReply?> TryRunAsync(MeshConnection connection, CancellationToken cancellationToken)
    {
        var stream = await connection.TryOpenCallAsync(cancellationToken);
        if (stream is null)
        {
            return null;
        }

        try
        {
            // Disposal resets and stops with the code Cancelled what was not finished: [RPC-3].
            await using (stream)
            {
                try
                {
                    return await ExchangeAsync(connection, stream, cancellationToken);
                }
                finally
                {
                    if (Execution == CallExecution.NotStarted && stream.AnythingSent)
                    {
                        Execution = CallExecution.Unknown;
                    }
                }
            }
        }
        finally
        {
            connection.CallEnded();
        }
    }

    private async ValueTask<CallReply> ExchangeAsync(MeshConnection connection, TransportStream stream, CancellationToken cancellationToken)
    {
        var left = started + options.Deadline - realm.Scheduler.Now;
        if (left <= TimeSpan.Zero)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        FrameRead read;
        try
        {
            var flags = options.Repetition == CallRepetition.Idempotent ? CallFlags.Idempotent : CallFlags.None;
            await CallFrames.WriteAsync(stream, new CallFrame(procedure, left, argument, flags, MeshActivity.CurrentTraceParent), cancellationToken);
            read = await FrameStream.ReadOnlyFrameAsync(stream, FramePlace.Answer, cancellationToken);
        }
        catch (StreamAbortedException exception)
        {
            throw new CallException(exception.Code, CallExecution.Unknown, exception.Message, exception);
        }

        if (read.Frame is { } frame)
        {
            if (CallFrames.TryReadAnswer(frame, out var result, out var error, out var malformed))
            {
                Execution = error?.Execution ?? CallExecution.Started;
                return result is not null
                    ? new CallReply(result.Value, connection.Peer, connection.Path, realm.Scheduler.Now - started)
                    : throw new CallException(error!.Code, error.Execution, error.Message);
            }

            read = new FrameRead(null, malformed);
        }

        Invariant.Hold(read.Error is not null, "Reading an answer gives a frame or an error.");
        realm.Violated(connection.Peer.NodeId, read.Error.Value);
        throw new CallException(read.Error.Value.Code, CallExecution.Unknown, $"The provider's answer broke the protocol: {read.Error.Value.Detail}.");
    }
}
