using System.Buffers;
using Macula.Connections;
using Macula.Dht;
using Macula.PubSub;
using Macula.Realms;
using Macula.Rpc;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;

namespace Macula.Requests;

/// <summary>Takes the streams that others open on the connections of one realm, reads what each asks, and hands it to whom it concerns.</summary>
/// <remarks>Each request has a queue of its own, so none waits for another; what concerns the DHT enters the realm's queue.</remarks>
internal sealed class RequestServer(RealmServices realm, SerialQueue realmQueue, CallServer calls, EventServer events, DhtNode dht)
{
    private const string TooManyRequests = "Too many requests of this connection are served at a time.";

    // A request fits a few packets; whoever takes longer to send it holds a place among the streams for nothing.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    // An answer that the other machine has not acknowledged by now will not arrive.
    private static readonly TimeSpan DeliveryTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Serves one stream to its end, and lets go of it.</summary>
    public void Serve(TransportStream stream, MeshConnection from)
    {
        if (!from.TryEnterIncoming())
        {
            realm.RefusedRequest(from.Peer.NodeId, ErrorCode.LimitExceeded, TooManyRequests);
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
        await using (stream)
        {
            stream.StopReading((ulong)ErrorCode.LimitExceeded);
            await TryAnswerAsync(stream, ErrorCode.LimitExceeded, TooManyRequests);
        }
    }

    private static async ValueTask TryAnswerAsync(TransportStream stream, ErrorCode code, string message)
    {
        try
        {
            await AnswerAsync(stream, code, message);
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
                var (read, rest) = await ReadAsync(stream);
                if (read.Frame is not { } request)
                {
                    Invariant.Hold(read.Error is not null, "Reading a request gives a frame or an error.");
                    await RefuseAsync(stream, from, read.Error.Value);
                    return;
                }

                from.HandleUsed(request.Type is FrameType.Call or FrameType.Event ? ConnectionUse.Application : ConnectionUse.Dht);
                switch (request.Type)
                {
                    case FrameType.Call when CallFrame.TryRead(request.Body, out var call, out var malformed):
                        await new ServedCall(realm, calls, stream, from.Peer, queue, call).RunAsync();
                        break;
                    case FrameType.Call:
                        CallFrame.TryRead(request.Body, out _, out var wrong);
                        await RefuseAsync(stream, from, wrong);
                        break;
                    case FrameType.Event:
                        await ServeLaneAsync(stream, rest, from, request);
                        break;
                    default:
                        await ServeDhtAsync(stream, from, request);
                        break;
                }
            }
            catch (OperationCanceledException)
            {
                await TryAnswerAsync(stream, ErrorCode.DeadlineExceeded, "The request was not complete in time.");
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

    private async ValueTask<(FrameRead First, FrameStream Others)> ReadAsync(TransportStream stream)
    {
        using var patience = new CancellationTokenSource(RequestTimeout, realm.Scheduler.Time);
        return await FrameStream.ReadRequestAsync(stream, patience.Token);
    }

    private async ValueTask ServeLaneAsync(TransportStream stream, FrameStream rest, MeshConnection from, Frame first)
    {
        if (await events.ServeAsync(rest, from, first) is not { } fault)
        {
            // [PUB-7]: everything has been taken.
            var answer = new ArrayBufferWriter<byte>();
            new DoneFrame().Write(answer);
            await stream.WriteAsync(answer.WrittenMemory, WriteEnd.Finish);
            await WaitForDeliveryAsync(stream);
            return;
        }

        // [PUB-7]: the answer before the stop, since a publisher that is stopped may look no further.
        await AnswerAsync(stream, fault.Code, fault.Detail);
        stream.StopReading((ulong)fault.Code);
        await WaitForDeliveryAsync(stream);
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
