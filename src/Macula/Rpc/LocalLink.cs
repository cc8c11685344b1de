using Macula.Connections;
using Macula.Identity.Certificates;
using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>The way of this node to itself: the calls that it makes to itself go over it in memory, and are served as those of other nodes are ([RPC-19]).</summary>
/// <remarks>May be used from any queue.</remarks>
internal sealed class LocalLink(RealmServices realm, CallServer server) : INodeLink
{
    private const string TooManyCalls = "Too many calls of this node to itself are served at a time.";

    private static readonly PathReport LocalPath = new(new Carrier.Local(), TimeSpan.Zero);

    private readonly StreamCount _calls = new(realm.Scheduler);
    private readonly Lock _gate = new();

    // Sorted, so that a simulated node ends them in the same order each time. Bounded by the limit of calls.
    private readonly SortedDictionary<long, LocalStream> _open = [];
    private long _opened;
    private bool _isClosed;

    /// <inheritdoc/>
    public NodeIdentity Peer => realm.Self;

    /// <inheritdoc/>
    public PathReport Path => LocalPath;

    /// <summary>Whether this node provides a procedure.</summary>
    public bool Provides(ProcedureName procedure) => server.Procedures.Find(procedure) is not null;

    /// <inheritdoc/>
    public ValueTask<TransportStream?> TryOpenStreamAsync(ConnectionUse use, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_calls.TryEnterOutgoing(use))
        {
            return ValueTask.FromResult<TransportStream?>(null);
        }

        // [RPC-19] [RPC-9]: to a node, its own calls are those of one more connection.
        if (!_calls.TryEnterIncoming(realm.Limits.MaxIncomingCalls))
        {
            _calls.LeaveOutgoing();
            realm.RefusedRequest(realm.Self.NodeId, ErrorCode.LimitExceeded, TooManyCalls);
            throw new MaculaException(ErrorCode.LimitExceeded, TooManyCalls);
        }

        var (near, far) = LocalStream.Create(realm.Scheduler, Interlocked.Increment(ref _opened));
        Hold(far);
        realm.Tasks.Run(() => ServeAsync(far));
        return ValueTask.FromResult<TransportStream?>(near);
    }

    /// <inheritdoc/>
    public void StreamEnded() => _calls.LeaveOutgoing();

    /// <summary>Takes no more calls, lets those that run finish, and ends what is left ([RPC-11]).</summary>
    /// <param name="timeout">Longest wait.</param>
    public async Task DrainAsync(TimeSpan timeout)
    {
        _calls.StopOutgoing();
        try
        {
            await _calls.Idle.WaitAsync(timeout, realm.Scheduler.Time);
        }
        catch (TimeoutException)
        {
            // What has not finished by now ends with the link, and its caller is told so.
            Close();
        }
    }

    /// <summary>Takes no more calls, and ends those that run.</summary>
    public void Close()
    {
        _calls.StopOutgoing();
        LocalStream[] open;
        lock (_gate)
        {
            _isClosed = true;
            open = [.. _open.Values];
        }

        foreach (var stream in open)
        {
            Lose(stream);
        }
    }

    private static void Lose(LocalStream stream) =>
        stream.Lose(new ConnectionEnd(ConnectionEndOrigin.Local, (ulong)ErrorCode.ShuttingDown, ErrorCodes.Describe(ErrorCode.ShuttingDown).Meaning));

    private void Hold(LocalStream stream)
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _open.Add(stream.Id, stream);
                return;
            }
        }

        Lose(stream);
    }

    private async Task ServeAsync(LocalStream stream)
    {
        try
        {
            var queue = realm.Scheduler.CreateQueue();
            await queue.RunAsync(() => ServeAsync(stream, queue));
        }
        finally
        {
            lock (_gate)
            {
                _open.Remove(stream.Id);
            }

            _calls.LeaveIncoming();
        }
    }

    private async ValueTask ServeAsync(LocalStream stream, SerialQueue queue)
    {
        await using (stream)
        {
            try
            {
                var (read, _) = await FrameStream.ReadRequestAsync(stream, CancellationToken.None);
                CallFrame? call = null;
                Invariant.Hold(read.Frame is { } frame && CallFrame.TryRead(frame.Body, out call, out _), "A node can read the call that it has written.");
                await new ServedCall(realm, server, stream, realm.Self, queue, call!).RunAsync();
            }
            catch (ConnectionClosedException)
            {
                // The node stops, and the caller has learned of it.
            }
            catch (StreamAbortedException)
            {
                // The caller has given up before its call was read.
            }
        }
    }
}
