using Macula.Transport.Quic.Connections;
using Macula.Transport.Quic.Loop;
using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Streams;

/// <summary>A QUIC stream as the application sees it: two halves, and what it asks of the loop.</summary>
internal sealed class QuicStream : TransportStream, ILoopTarget
{
    private readonly QuicConnection _connection;
    private int _asked;
    private ulong _resetCode;
    private ulong _stopCode;
    private long _consumed;
    private int _state;

    /// <summary>Makes a stream of a number; which halves it has follows from number and role (RFC 9000 §2.1).</summary>
    public QuicStream(QuicConnection connection, long id)
    {
        _connection = connection;
        Id = id;
        IsLocal = (id & 1) == (connection.Role == ConnectionRole.Dialler ? 0 : 1);
        Direction = (id & 2) == 0 ? StreamDirection.Bidirectional : StreamDirection.Unidirectional;
        var scheduler = connection.Services.Scheduler;
        Send = Direction == StreamDirection.Bidirectional || IsLocal ? new SendSide(scheduler, connection.Services.Options.StreamSendBufferBytes) : null;
        Receive = Direction == StreamDirection.Bidirectional || !IsLocal ? new ReceiveSide(scheduler) : null;
    }

    /// <inheritdoc/>
    public override long Id { get; }

    /// <inheritdoc/>
    public override bool CanRead => Receive is not null;

    /// <inheritdoc/>
    public override bool CanWrite => Send is not null;

    /// <inheritdoc/>
    public override bool AnythingSent => Send?.AnythingSent ?? false;

    /// <summary>Whether this side opened it.</summary>
    public bool IsLocal { get; }

    /// <summary>Which ways bytes go.</summary>
    public StreamDirection Direction { get; }

    /// <summary>The half that sends; null when there is none.</summary>
    public SendSide? Send { get; }

    /// <summary>The half that receives; null when there is none.</summary>
    public ReceiveSide? Receive { get; }

    /// <summary>Whether it waits in the loop's queue of streams with something to send. On the loop's thread.</summary>
    public bool IsQueuedToSend { get; set; }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(buffer.Length, nameof(buffer));
        var receive = Receive ?? throw new InvalidOperationException("This end of a unidirectional stream only sends.");
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            var count = receive.Read(buffer.Span, out var waiter);
            if (waiter is null)
            {
                NoteConsumed(count);
                return count;
            }

            await waiter.CancelledBy(cancellationToken).Task;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, WriteEnd end = WriteEnd.KeepOpen, CancellationToken cancellationToken = default)
    {
        var send = Send ?? throw new InvalidOperationException("This end of a unidirectional stream only receives.");
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            if (send.Take(ref bytes, end, out var waiter))
            {
                Ask(Request.Send);
            }

            if (waiter is null)
            {
                return;
            }

            await waiter.CancelledBy(cancellationToken).Task;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<ulong?> WaitForWritesClosedAsync(CancellationToken cancellationToken = default)
    {
        var send = Send ?? throw new InvalidOperationException("This end of a unidirectional stream only receives.");
        while (true)
        {
            if (send.WatchEnd(out var failure) is not { } waiter)
            {
                return failure!.ToStopCode();
            }

            await waiter.CancelledBy(cancellationToken).Task;
        }
    }

    /// <inheritdoc/>
    public override void Reset(ulong code)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, TransportConnection.MaxCode);
        if (Send is { } send && send.Fail(StreamFailure.EndedHere))
        {
            _resetCode = code;
            Ask(Request.Reset);
        }
    }

    /// <inheritdoc/>
    public override void StopReading(ulong code)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, TransportConnection.MaxCode);
        if (Receive is { IsSettled: false } receive)
        {
            _connection.Credit.Consume(receive.Fail(StreamFailure.EndedHere, HeldBytes.Drop));
            _stopCode = code;
            Ask(Request.Stop);
            ReleaseIfDone();
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        if (Send is { IsSettled: false })
        {
            Reset((ulong)ErrorCode.Cancelled);
        }

        StopReading((ulong)ErrorCode.Cancelled);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void EndAfterFailure() => _connection.EndAfterFailure();

    /// <summary>Enters a stream that this side opened into the loop's table. On the loop's thread.</summary>
    public void Register() => _connection.Core.RegisterStream(this);

    /// <summary>Notes that the application has taken a stream that the other side opened.</summary>
    public void MarkTaken()
    {
        Interlocked.Or(ref _state, (int)Progress.Taken);
        ReleaseIfDone();
    }

    /// <summary>Notes that QUIC is through with the stream. On the loop's thread.</summary>
    public void HandleClosed()
    {
        Send?.Free();
        Interlocked.Or(ref _state, (int)Progress.Closed);
        ReleaseIfDone();
    }

    /// <summary>Ends both halves with the connection.</summary>
    public void Fail(ConnectionEnd end)
    {
        // What the other side sent before it closed in good order has arrived; what we closed ourselves is not wanted.
        var failure = StreamFailure.ConnectionEnded(end);
        Send?.Fail(failure);
        Receive?.Fail(failure, end.Origin == ConnectionEndOrigin.Local ? HeldBytes.Drop : HeldBytes.Keep);
    }

    /// <summary>Notes that the other side reset its half. On the loop's thread.</summary>
    public void HandleReset(ulong code)
    {
        if (Receive is { } receive)
        {
            _connection.Credit.Consume(receive.Fail(StreamFailure.AbortedBy(code), HeldBytes.Drop));
            ReleaseIfDone();
        }
    }

    /// <summary>Takes what the application asked for since the last time. On the loop's thread.</summary>
    public StreamRequest TakeRequest()
    {
        var asked = (Request)Interlocked.Exchange(ref _asked, 0);
        return new StreamRequest(
            asked.HasFlag(Request.Send),
            asked.HasFlag(Request.Reset) ? _resetCode : null,
            asked.HasFlag(Request.Stop) ? _stopCode : null,
            asked.HasFlag(Request.Credit) ? Interlocked.Exchange(ref _consumed, 0) : 0);
    }

    private void NoteConsumed(int count)
    {
        if (count == 0)
        {
            ReleaseIfDone();
            return;
        }

        // Told in eighths of the window: the sender never runs dry, and the loop is not woken for every read.
        const int Eighth = 8;
        _connection.Credit.Consume(count);
        if (Interlocked.Add(ref _consumed, count) >= _connection.Services.Options.StreamReceiveWindowBytes / Eighth)
        {
            Ask(Request.Credit);
        }
    }

    // A stream that the other side opened counts against its limit until QUIC and the application are both through with it; else a
    // peer could have as many unread streams held here as it likes, one after the other.
    private void ReleaseIfDone()
    {
        const int Done = (int)(Progress.Closed | Progress.Taken);
        if (!IsLocal && (Volatile.Read(ref _state) & Done) == Done && (Receive is null || Receive.IsSettled)
            && (Interlocked.Or(ref _state, (int)Progress.Released) & (int)Progress.Released) == 0)
        {
            _connection.Credit.Release(Direction);
        }
    }

    private void Ask(Request request)
    {
        if (Interlocked.Or(ref _asked, (int)request) == 0)
        {
            _connection.Post(static stream => ((QuicStream)stream)._connection.Core.HandleStreamRequest((QuicStream)stream), this);
        }
    }

    [Flags]
    private enum Request
    {
        Send = 1,
        Reset = 2,
        Stop = 4,
        Credit = 8,
    }

    [Flags]
    private enum Progress
    {
        Taken = 1,
        Closed = 2,
        Released = 4,
    }
}

/// <summary>What an application asked of the loop for one stream.</summary>
/// <param name="HasData">Something was written.</param>
/// <param name="ResetCode">Sending is to end with this code; null when not.</param>
/// <param name="StopCode">The other side is to stop sending, with this code; null when not.</param>
/// <param name="ConsumedBytes">How many bytes were read.</param>
internal readonly record struct StreamRequest(bool HasData, ulong? ResetCode, ulong? StopCode, long ConsumedBytes);
