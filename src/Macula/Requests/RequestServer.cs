using System.Buffers;
using Macula.Connections;
using Macula.Dht;
using Macula.Realms;
using Macula.Rpc;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Requests;

/// <summary>Takes the streams that others open on the connections of one realm, reads what each asks, and hands it to whom it concerns.</summary>
/// <remarks>Each request has a queue of its own, so none waits for another; what concerns the DHT enters the realm's queue.</remarks>
internal sealed class RequestServer(RealmServices realm, SerialQueue realmQueue, CallServer calls, DhtNode dht)
{
    // A request fits a few packets; whoever takes longer to send it holds a place among the streams for nothing.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    // An answer that the other machine has not acknowledged by now will not arrive.
    private static readonly TimeSpan DeliveryTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Serves one stream to its end, and lets go of it.</summary>
    public void Serve(TransportStream stream, MeshConnection from)
    {
        if (!from.TryEnterIncoming())
        {
            realm.Tasks.Run(() => RefuseAsync(stream));
            return;
        }

        realm.Tasks.Run(async () =>
        {
            try
            {
                var queue = realm.Scheduler.CreateQueue();
                await queue.RunAsync(() => ServeAsync(stream, from, queue));
            }
            finally
            {
                from.IncomingEnded();
            }
        });
    }

    private static async Task RefuseAsync(TransportStream stream)
    {
        try
        {
            await using (stream)
            {
                stream.StopReading((ulong)ErrorCode.LimitExceeded);
                await AnswerAsync(stream, ErrorCode.LimitExceeded, "Too many requests of this connection are served at a time.");
            }
        }
        catch (MaculaException)
        {
            // Whoever asked has gone, and needs no answer.
        }
    }

    private static ValueTask AnswerAsync(TransportStream stream, ErrorCode code, string message) =>
        CallFrames.WriteAsync(stream, new ErrorFrame(code, message, CallExecution.NotStarted));

    private async ValueTask ServeAsync(TransportStream stream, MeshConnection from, SerialQueue queue)
    {
        await using (stream)
        {
            try
            {
                if (await ReadAsync(stream, from) is not { } request)
                {
                    return;
                }

                from.HandleUsed(request.Type == FrameType.Call ? ConnectionUse.Application : ConnectionUse.Dht);
                if (request.Type != FrameType.Call)
                {
                    await ServeDhtAsync(stream, from, request);
                }
                else if (CallFrame.TryRead(request.Body, out var call, out var malformed))
                {
                    await new ServedCall(realm, calls, stream, from.Peer, queue, call).RunAsync();
                }
                else
                {
                    await RefuseAsync(stream, from, malformed);
                }
            }
            catch (ConnectionClosedException)
            {
                // There is nobody left to answer.
            }
            catch (StreamAbortedException)
            {
                // Whoever asked wants no answer any more.
            }
        }
    }

    private async ValueTask<Frame?> ReadAsync(TransportStream stream, MeshConnection from)
    {
        using var patience = new CancellationTokenSource(RequestTimeout, realm.Scheduler.Time);
        try
        {
            var read = await FrameStream.ReadRequestAsync(stream, patience.Token);
            if (read.Frame is null)
            {
                Invariant.Hold(read.Error is not null, "Reading a request gives a frame or an error.");
                await RefuseAsync(stream, from, read.Error.Value);
            }

            return read.Frame;
        }
        catch (OperationCanceledException)
        {
            await AnswerAsync(stream, ErrorCode.DeadlineExceeded, "The request was not complete in time.");
            return null;
        }
    }

    private async ValueTask ServeDhtAsync(TransportStream stream, MeshConnection from, Frame request)
    {
        var answer = new ArrayBufferWriter<byte>();
        if (await realmQueue.RunAsync(() => dht.AnswerAsync(from, request, answer)) is { } malformed)
        {
            await RefuseAsync(stream, from, malformed);
        }
        else
        {
            await stream.WriteAsync(answer.WrittenMemory, WriteEnd.Finish);
            await WaitForDeliveryAsync(stream);
        }
    }

    // A connection that drains closes when no stream is in use; this one is in use until its answer has arrived.
    private async ValueTask WaitForDeliveryAsync(TransportStream stream)
    {
        using var patience = new CancellationTokenSource(DeliveryTimeout, realm.Scheduler.Time);
        try
        {
            await stream.WaitForWritesClosedAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            stream.Reset((ulong)ErrorCode.DeadlineExceeded);
        }
    }

    private async ValueTask RefuseAsync(TransportStream stream, MeshConnection from, ProtocolError error)
    {
        realm.Violated(from.Peer.NodeId, error);

        // [FRM-24]: what is wrong with these can be said better in words, so there is an answer rather than a reset.
        if (error.Code is ErrorCode.InvalidName or ErrorCode.UnknownContentType or ErrorCode.PayloadTooLarge)
        {
            await AnswerAsync(stream, error.Code, error.Detail);
            return;
        }

        // [CON-15]: the stream ends, the connection goes on.
        stream.Reset((ulong)error.Code);
        stream.StopReading((ulong)error.Code);
    }
}
