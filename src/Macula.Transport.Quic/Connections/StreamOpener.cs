using Macula.Transport.Execution;
using Macula.Transport.Quic.Streams;
using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Connections;

/// <summary>Opens this side's streams of one direction, in the order of their numbers, as the other side's limit allows.</summary>
/// <remarks>Numbers are given out on the caller's thread, so that a request need not wait for a turn of the loop before it is written.</remarks>
internal sealed class StreamOpener
{
    /// <summary>Most callers that wait for the other side to allow more streams.</summary>
    public const int MaxWaiting = 65_536;

    // Numbers of one kind lie four apart (RFC 9000 §2.1).
    private const int Stride = 4;

    private readonly Lock _gate = new();
    private readonly QuicConnection _connection;
    private readonly Queue<Completion<TransportStream>> _waiting = new();
    private readonly Stack<QuicStream> _unclaimed = new();
    private long _nextId;
    private ulong _opened;
    private ulong _allowed;
    private ConnectionEnd? _end;

    public StreamOpener(QuicConnection connection, StreamDirection direction)
    {
        _connection = connection;
        _nextId = (connection.Role == ConnectionRole.Dialler ? 0 : 1) | (direction == StreamDirection.Bidirectional ? 0 : 2);
    }

    /// <summary>Opens a stream, or waits until the other side allows one more.</summary>
    public ValueTask<TransportStream> OpenAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_end is not null)
            {
                throw new ConnectionClosedException(_end);
            }

            if (_waiting.Count == 0 && TryOpen(out var stream))
            {
                return ValueTask.FromResult<TransportStream>(stream);
            }

            PruneCancelled();
            if (_waiting.Count >= MaxWaiting)
            {
                throw new MaculaException(ErrorCode.LimitExceeded, $"{MaxWaiting} callers wait for a stream of this connection; the other side closes none.");
            }

            var completion = new Completion<TransportStream>(_connection.Services.Scheduler);
            _waiting.Enqueue(completion);
            return completion.CancelledBy(cancellationToken).Task;
        }
    }

    /// <summary>Raises the number of streams that may ever be opened. On the loop's thread.</summary>
    public void Allow(ulong total)
    {
        lock (_gate)
        {
            _allowed = Math.Max(_allowed, total);
            while (_waiting.TryPeek(out var waiting))
            {
                if (waiting.IsCompleted)
                {
                    _waiting.Dequeue();
                }
                else if (TryOpen(out var stream))
                {
                    _waiting.Dequeue();
                    if (!waiting.TrySetResult(stream))
                    {
                        // The caller gave up in this moment; nobody has seen the stream, and the next caller gets it.
                        _unclaimed.Push(stream);
                    }
                }
                else
                {
                    return;
                }
            }
        }
    }

    /// <summary>Ends everybody who waits.</summary>
    public void Fail(ConnectionEnd end)
    {
        lock (_gate)
        {
            _end ??= end;
            while (_waiting.TryDequeue(out var waiting))
            {
                waiting.TrySetException(new ConnectionClosedException(end));
            }
        }
    }

    private bool TryOpen(out QuicStream stream)
    {
        if (_unclaimed.TryPop(out stream!))
        {
            return true;
        }

        if (_opened >= _allowed)
        {
            return false;
        }

        stream = new QuicStream(_connection, _nextId);
        _nextId += Stride;
        _opened++;

        // Posted under the lock: the loop learns of streams in the order of their numbers.
        _connection.Post(static stream => ((QuicStream)stream).Register(), stream);
        return true;
    }

    private void PruneCancelled()
    {
        while (_waiting.TryPeek(out var waiting) && waiting.IsCompleted)
        {
            _waiting.Dequeue();
        }
    }
}
