using System.Buffers;
using Macula.Transport;
using Macula.Transport.Execution;

namespace Macula.Rpc;

/// <summary>One direction of a <see cref="LocalStream"/>: what one end has written and the other has not read yet.</summary>
/// <remarks>Used from two queues. Holds at most one frame, since each side of a call sends no more ([RPC-1]); so a writer never waits.</remarks>
internal sealed class LocalFlow(MeshScheduler scheduler)
{
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _written = new();
    private int _readBytes;
    private bool _isFinished;
    private bool _anythingWritten;
    private FlowEnd? _end;
    private Completion<bool>? _reader;
    private Completion<ulong?>? _writer;

    /// <summary>True once any byte or the end was written.</summary>
    public bool AnythingWritten
    {
        get
        {
            lock (_gate)
            {
                return _anythingWritten;
            }
        }
    }

    /// <summary>Takes a copy of some bytes: see <see cref="TransportStream.WriteAsync"/>.</summary>
    public void Write(ReadOnlySpan<byte> bytes, WriteEnd end)
    {
        lock (_gate)
        {
            if (_isFinished || _end is FlowEnd.Delivered or FlowEnd.Reset)
            {
                throw new InvalidOperationException("This side has finished or reset the stream.");
            }

            ThrowIfStopped();
            _written.Write(bytes);
            _anythingWritten = true;
            _isFinished = end == WriteEnd.Finish;
            _reader?.TrySetResult(true);
        }
    }

    /// <summary>Reads what was written, or waits for it: see <see cref="TransportStream.ReadAsync"/>.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            Completion<bool> more;
            lock (_gate)
            {
                if (TryTake(buffer.Span, out var count))
                {
                    return count;
                }

                more = _reader = new Completion<bool>(scheduler);
            }

            await more.CancelledBy(cancellationToken).Task;
        }
    }

    /// <summary>Completes when nothing more can be written: see <see cref="TransportStream.WaitForWritesClosedAsync"/>.</summary>
    public ValueTask<ulong?> WaitForEndAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_writer is { IsCompleted: false })
            {
                throw new InvalidOperationException("Another call waits for the end of writing.");
            }

            _writer = new Completion<ulong?>(scheduler);
            TellWriter();
            return _writer.CancelledBy(cancellationToken).Task;
        }
    }

    /// <summary>Ends the flow; the first end stays.</summary>
    public void End(FlowEnd end)
    {
        lock (_gate)
        {
            EndOnce(end);
        }
    }

    /// <summary>The writer lets go: what it has not finished is reset.</summary>
    public void ResetUnlessFinished(ulong code)
    {
        lock (_gate)
        {
            if (!_isFinished)
            {
                EndOnce(new FlowEnd.Reset(code));
            }
        }
    }

    private bool TryTake(Span<byte> buffer, out int count)
    {
        if (_end is FlowEnd.Reset reset)
        {
            throw new StreamAbortedException(reset.Code);
        }

        var unread = _written.WrittenSpan[_readBytes..];
        count = Math.Min(unread.Length, buffer.Length);
        unread[..count].CopyTo(buffer);
        _readBytes += count;
        if (count > 0)
        {
            return true;
        }

        if (_isFinished)
        {
            EndOnce(new FlowEnd.Delivered());
            return true;
        }

        ThrowIfStopped();
        return false;
    }

    // What had been written before the link was lost can still be read.
    private void ThrowIfStopped()
    {
        switch (_end)
        {
            case FlowEnd.Stopped stopped:
                throw new StreamAbortedException(stopped.Code);
            case FlowEnd.Lost lost:
                throw new ConnectionClosedException(lost.End);
        }
    }

    private void EndOnce(FlowEnd end)
    {
        if (_end is null)
        {
            _end = end;
            _reader?.TrySetResult(true);
            TellWriter();
        }
    }

    private void TellWriter()
    {
        switch (_end)
        {
            case FlowEnd.Stopped stopped:
                _writer?.TrySetResult(stopped.Code);
                break;
            case FlowEnd.Lost lost:
                _writer?.TrySetException(new ConnectionClosedException(lost.End));
                break;
            case not null:
                _writer?.TrySetResult(null);
                break;
        }
    }
}

/// <summary>How a <see cref="LocalFlow"/> ended.</summary>
internal abstract record FlowEnd
{
    private FlowEnd()
    {
    }

    /// <summary>The reader has read everything.</summary>
    public sealed record Delivered : FlowEnd;

    /// <summary>The writer takes back what was not read.</summary>
    public sealed record Reset(ulong Code) : FlowEnd;

    /// <summary>The reader wants no more.</summary>
    public sealed record Stopped(ulong Code) : FlowEnd;

    /// <summary>The node stops.</summary>
    public sealed record Lost(ConnectionEnd End) : FlowEnd;
}
