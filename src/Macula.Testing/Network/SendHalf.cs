using Macula.Transport;
using Macula.Transport.Execution;

namespace Macula.Testing.Network;

/// <summary>The sending direction of a stream.</summary>
internal sealed class SendHalf(SimulatedStream stream)
{
    // A real endpoint fills packet after packet; one event stands for up to so many bytes of them.
    private const int MaxSegmentBytes = 16 * 1024;

    private readonly ByteQueue _unsent = new();
    private long _limit = -1;
    private long _sentOffset;
    private int _unacknowledged;
    private bool _finishAsked;
    private bool _finishSent;
    private bool _finishAcknowledged;
    private PendingWrite? _pending;
    private Completion<ulong?>? _closedWaiter;
    private ulong? _closedCode;

    /// <summary>True when nothing more is sent: finished and acknowledged, reset, or stopped.</summary>
    public bool IsOver { get; private set; }

    public bool IsAborted { get; private set; }

    public bool AnythingSent { get; private set; }

    public bool IsMarkedReady { get; set; }

    private SimulatedConnection Connection => stream.Connection;

    private int Room => Connection.Endpoint.Options.StreamSendBufferBytes - _unsent.Count - _unacknowledged;

    // The other side's window is known when the first byte goes out, not before: a stream can be opened during the handshake.
    private long Limit => _limit >= 0 ? _limit : Connection.Peer!.Endpoint.Options.StreamReceiveWindowBytes;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, WriteEnd end, CancellationToken cancellationToken)
    {
        if (WhyNotWritable() is { } exception)
        {
            return ValueTask.FromException(exception);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        var write = new PendingWrite(bytes, end, new Completion<bool>(Connection.Endpoint.Scheduler));
        _pending = write;
        Progress();
        return _pending is null ? ValueTask.CompletedTask : Wait(write, cancellationToken);

        static async ValueTask Wait(PendingWrite write, CancellationToken cancellationToken) => await write.Taken.CancelledBy(cancellationToken).Task;
    }

    public ValueTask<ulong?> WaitForClosedAsync(CancellationToken cancellationToken)
    {
        if (_closedWaiter is { IsCompleted: false })
        {
            return ValueTask.FromException<ulong?>(new InvalidOperationException("One caller at a time: another one waits for the end of writing."));
        }

        _closedWaiter = new Completion<ulong?>(Connection.Endpoint.Scheduler);
        if (IsOver)
        {
            _closedWaiter.TrySetResult(_closedCode);
        }
        else if (Connection.IsEnded)
        {
            _closedWaiter.TrySetException(Connection.Closed());
        }

        return _closedWaiter.CancelledBy(cancellationToken).Task;
    }

    public void Reset(ulong code) => Abort(code, stopCode: null, () => new InvalidOperationException("This side reset the stream."));

    /// <summary>Resets what was not finished.</summary>
    public void Abandon(ulong code)
    {
        if (!_finishAsked)
        {
            Reset(code);
        }
    }

    /// <summary>The other side wants no more.</summary>
    public void HandleStop(ulong code) => Abort(code, code, () => new StreamAbortedException(code));

    public void HandleLimit(long limit)
    {
        _limit = Math.Max(Limit, limit);
        MarkReady();
    }

    public void MarkReady()
    {
        if (!IsOver && (_unsent.Count > 0 || (_finishAsked && !_finishSent)))
        {
            Connection.MarkReady(this);
        }
    }

    /// <summary>Sends the next segment; true when another may follow.</summary>
    public bool TrySendSegment()
    {
        if (IsOver || !Connection.IsEstablished)
        {
            return false;
        }

        var random = Connection.Endpoint.Host.SegmentRandom;
        var length = (int)Math.Min(Math.Min(_unsent.Count, MaxSegmentBytes), Math.Min(Limit - _sentOffset, Connection.Credit.Available));
        if (length <= 0 && (_unsent.Count > 0 || !_finishAsked || _finishSent))
        {
            return false;
        }

        // Now and then a segment is cut where nobody expects it, or the end travels alone: readers must bear both.
        if (length > 1 && random.Next(4) == 0)
        {
            length = 1 + random.Next(length - 1);
        }

        var bytes = new byte[length];
        _unsent.Take(bytes);
        if (_sentOffset == 0 && length > 0)
        {
            Connection.Endpoint.Network.CorruptSometimes(Connection.Endpoint, Connection.CarrierEndPoint, bytes);
        }

        var finish = _finishAsked && _unsent.Count == 0 && (length == 0 || random.Next(4) != 0);
        new StreamSegment(stream, _sentOffset, bytes, finish ? WriteEnd.Finish : WriteEnd.KeepOpen).Send();
        _sentOffset += length;
        _unacknowledged += length;
        _finishSent |= finish;
        AnythingSent = true;
        Connection.Credit.Spend(length);
        return _unsent.Count > 0 || (_finishAsked && !_finishSent);
    }

    public void HandleAcknowledged(int bytes, WriteEnd end)
    {
        if (IsOver)
        {
            return;
        }

        _unacknowledged -= bytes;
        _finishAcknowledged |= end == WriteEnd.Finish;
        if (_finishAcknowledged && _unacknowledged == 0)
        {
            Over(code: null);
        }
        else
        {
            Progress();
        }
    }

    public void HandleConnectionEnd(Func<Exception> closed)
    {
        _pending?.Taken.TrySetException(closed());
        _pending = null;
        if (!IsOver)
        {
            _closedWaiter?.TrySetException(closed());
        }
    }

    private Exception? WhyNotWritable()
    {
        if (_pending is { Taken.IsCompleted: false })
        {
            return new InvalidOperationException("One writer at a time: another one waits.");
        }

        if (_closedCode is { } code)
        {
            return new StreamAbortedException(code);
        }

        return _finishAsked || IsOver ? new InvalidOperationException("This side finished or reset the stream.")
            : Connection.IsEnded ? Connection.Closed()
            : null;
    }

    // Takes from the pending write what there is room for.
    private void Progress()
    {
        if (_pending is not { Taken.IsCompleted: false } write)
        {
            _pending = null;
            return;
        }

        var length = Math.Clamp(Room, 0, write.Rest.Length);
        _unsent.Add(write.Rest[..length].ToArray());
        write.Rest = write.Rest[length..];
        if (write.Rest.IsEmpty)
        {
            _finishAsked |= write.End == WriteEnd.Finish;
            _pending = null;
            write.Taken.TrySetResult(true);
        }

        MarkReady();
    }

    private void Abort(ulong code, ulong? stopCode, Func<Exception> failure)
    {
        if (IsOver || Connection.IsEnded)
        {
            return;
        }

        IsAborted = true;
        _unsent.Clear();
        _pending?.Taken.TrySetException(failure());
        _pending = null;
        new StreamReset(stream, code, _sentOffset).Send();
        Over(stopCode);
    }

    private void Over(ulong? code)
    {
        IsOver = true;
        _closedCode = code;
        _closedWaiter?.TrySetResult(code);
        stream.ReviewClosed();
    }

    private sealed class PendingWrite(ReadOnlyMemory<byte> bytes, WriteEnd end, Completion<bool> taken)
    {
        public ReadOnlyMemory<byte> Rest { get; set; } = bytes;

        public WriteEnd End { get; } = end;

        public Completion<bool> Taken { get; } = taken;
    }
}
