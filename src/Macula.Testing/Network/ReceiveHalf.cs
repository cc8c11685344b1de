using Macula.Transport;
using Macula.Transport.Execution;

namespace Macula.Testing.Network;

/// <summary>The receiving direction of a stream.</summary>
internal sealed class ReceiveHalf(SimulatedStream stream)
{
    private readonly ByteQueue _ready = new();
    private readonly SortedList<long, byte[]> _early = [];
    private readonly ReceiveWindow _window = new(stream.Connection.Endpoint.Options.StreamReceiveWindowBytes);
    private long _arrived;
    private long _counted;
    private long? _finalSize;
    private ulong? _resetCode;
    private bool _isStopped;
    private bool _isUnwanted;
    private Memory<byte> _buffer;
    private Completion<int>? _reader;

    /// <summary>True when nothing more comes: read to the end, reset, or stopped and ended.</summary>
    public bool IsOver { get; private set; }

    private SimulatedConnection Connection => stream.Connection;

    private bool AllArrived => _finalSize == _arrived;

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_reader is { IsCompleted: false })
        {
            return ValueTask.FromException<int>(new InvalidOperationException("One reader at a time: another one waits."));
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        if (WhyNotReadable() is { } exception)
        {
            return ValueTask.FromException<int>(exception);
        }

        if (_ready.Count > 0 || AllArrived)
        {
            return ValueTask.FromResult(Take(buffer));
        }

        _buffer = buffer;
        _reader = new Completion<int>(Connection.Endpoint.Scheduler).CancelledBy(cancellationToken);
        return _reader.Task;
    }

    /// <summary>Wants no more: what has arrived and what still arrives is dropped.</summary>
    public void Stop(ulong code)
    {
        if (IsOver || _isStopped || Connection.IsEnded)
        {
            return;
        }

        _isStopped = true;
        _ready.Clear();
        _reader?.TrySetException(new InvalidOperationException("This side stopped reading."));
        CountUpTo(_arrived);
        if (AllArrived)
        {
            Over();
        }
        else
        {
            new StopSending(stream, code).Send();
        }
    }

    public void HandleSegment(long offset, byte[] bytes, WriteEnd end)
    {
        if (_resetCode is not null || AllArrived)
        {
            return;
        }

        if (end == WriteEnd.Finish)
        {
            _finalSize = offset + bytes.Length;
        }

        // The end may travel alone, at the offset that a segment before it has.
        if (bytes.Length > 0)
        {
            _early.Add(offset, bytes);
        }

        while (_early.Count > 0 && _early.Keys[0] == _arrived)
        {
            var next = _early.Values[0];
            _early.RemoveAt(0);
            _arrived += next.Length;
            if (!_isStopped)
            {
                _ready.Add(next);
            }
        }

        if (_isStopped)
        {
            CountUpTo(_arrived);
        }

        if (_isStopped && AllArrived)
        {
            Over();
        }

        WakeReader();
    }

    public void HandleReset(ulong code, long finalSize)
    {
        // RFC 9000 §3.2: once everything has arrived, a reset may be ignored.
        if (IsOver || AllArrived || Connection.IsEnded)
        {
            return;
        }

        _resetCode = code;
        _ready.Clear();
        _early.Clear();
        CountUpTo(finalSize);
        _reader?.TrySetException(new StreamAbortedException(code));
        Over();
    }

    public void HandleConnectionEnd(ConnectionEndOrigin origin, Func<Exception> closed)
    {
        // What the other side sent before it closed has arrived and stays readable; what this side closed is not wanted.
        if (origin == ConnectionEndOrigin.Local)
        {
            _ready.Clear();
            _isUnwanted = !IsOver;
        }

        _early.Clear();
        _reader?.TrySetException(closed());
    }

    private Exception? WhyNotReadable() =>
        _resetCode is { } code ? new StreamAbortedException(code)
        : _isStopped ? new InvalidOperationException("This side stopped reading.")
        : _isUnwanted || (Connection.IsEnded && !IsOver && _ready.Count == 0 && !AllArrived) ? Connection.Closed()
        : null;

    private void WakeReader()
    {
        if (_reader is { IsCompleted: false } reader && (_ready.Count > 0 || AllArrived))
        {
            reader.TrySetResult(Take(_buffer));
            _buffer = default;
        }
    }

    // 0 bytes when there are none, which is only asked when no more come.
    private int Take(Memory<byte> buffer)
    {
        var length = _ready.Take(buffer.Span);
        CountUpTo(_counted + length);
        if (AllArrived && _ready.Count == 0)
        {
            Over();
        }

        return length;
    }

    // Bytes up to this offset need no room any more.
    private void CountUpTo(long offset)
    {
        var bytes = offset - _counted;
        _counted = offset;
        if (bytes == 0 || Connection.IsEnded)
        {
            return;
        }

        Connection.Credit.HandleConsumed(bytes);
        if (_window.TryAdvance(bytes, out var limit) && _finalSize is null && !_isStopped && _resetCode is null)
        {
            new StreamCreditUpdate(stream, limit).Send();
        }
    }

    private void Over()
    {
        if (!IsOver)
        {
            IsOver = true;
            stream.ReviewClosed();
        }
    }
}
