using Macula.Connections;
using Macula.Identity.Certificates;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Rpc;

/// <summary>Serves the calls that arrive on the connections of one realm: each on a queue of its own, beside the others.</summary>
internal sealed class CallServer(RealmServices realm, ProcedureTable procedures)
{
    private volatile bool _stopping;

    /// <summary>What this node advertises.</summary>
    public ProcedureTable Procedures => procedures;

    /// <summary>True once the node takes no new calls: [RPC-11].</summary>
    public bool IsStopping => _stopping;

    /// <summary>Takes no new calls from now on.</summary>
    public void Stop() => _stopping = true;

    /// <summary>Serves one call to its end.</summary>
    /// <param name="stream">Its stream, which this lets go of at the end.</param>
    /// <param name="caller">The node at the other end.</param>
    /// <param name="streams">Counts the streams of the connection.</param>
    public void Serve(TransportStream stream, NodeIdentity caller, StreamCount streams)
    {
        if (!streams.TryEnterIncoming(realm.Limits.MaxIncomingCalls))
        {
            realm.Tasks.Run(() => RefuseAsync(stream));
            return;
        }

        realm.Tasks.Run(async () =>
        {
            try
            {
                var queue = realm.Scheduler.CreateQueue();
                await queue.RunAsync(new ServedCall(realm, this, stream, caller, queue).RunAsync);
            }
            finally
            {
                streams.LeaveIncoming();
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
                await CallFrames.WriteAsync(stream, new ErrorFrame(ErrorCode.LimitExceeded, "Too many calls of this connection run at a time.", CallExecution.NotStarted));
            }
        }
        catch (MaculaException)
        {
            // The caller has gone; it needs no answer.
        }
    }
}
