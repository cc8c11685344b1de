namespace Macula.Transport;

/// <summary>Whether a write is the stream's last.</summary>
public enum WriteEnd
{
    /// <summary>More follows.</summary>
    KeepOpen,

    /// <summary>These are the last bytes; the other side's reader sees the end after them.</summary>
    Finish,
}

/// <summary>An ordered, reliable flow of bytes, both ways or one way.</summary>
/// <remarks>One reader and one writer at a time; reading and writing are independent. Members may be called from any thread.</remarks>
public abstract class TransportStream : IAsyncDisposable
{
    /// <summary>The stream's number in its connection (RFC 9000 §2.1).</summary>
    public abstract long Id { get; }

    /// <summary>False on the sending end of a unidirectional stream.</summary>
    public abstract bool CanRead { get; }

    /// <summary>False on the receiving end of a unidirectional stream.</summary>
    public abstract bool CanWrite { get; }

    /// <summary>True once any byte or the end of this stream was put into a packet: from then on the other side may have seen it.</summary>
    public abstract bool AnythingSent { get; }

    /// <summary>Reads what has arrived, or waits for it.</summary>
    /// <param name="buffer">At least 1 byte.</param>
    /// <param name="cancellationToken">Gives up waiting; nothing is lost, and a later read gets what comes.</param>
    /// <returns>How many bytes were read; 0 at the end of the stream, and from then on.</returns>
    /// <exception cref="StreamAbortedException">The other side reset the stream. Bytes that had arrived before may be lost.</exception>
    /// <exception cref="ConnectionClosedException">The connection ended first. Bytes that had arrived before the other side closed it are read before that.</exception>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Takes bytes to send; waits while <see cref="EndpointOptions.StreamSendBufferBytes"/> are unacknowledged.</summary>
    /// <param name="bytes">May be empty with <see cref="WriteEnd.Finish"/>.</param>
    /// <param name="end">Whether these are the last.</param>
    /// <param name="cancellationToken">Gives up waiting; the bytes taken so far are sent, and the caller should <see cref="Reset"/>.</param>
    /// <remarks>Completion says that the bytes are taken, not that they arrived.</remarks>
    /// <exception cref="StreamAbortedException">The other side asked to stop sending.</exception>
    /// <exception cref="ConnectionClosedException">The connection ended first.</exception>
    /// <exception cref="InvalidOperationException">The stream was finished or reset by this side, or cannot be written.</exception>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, WriteEnd end = WriteEnd.KeepOpen, CancellationToken cancellationToken = default);

    /// <summary>Completes when this side can send no more on the stream. One caller at a time.</summary>
    /// <returns>The code with which the other side asked to stop (STOP_SENDING); null when the end was acknowledged or this side reset the stream.</returns>
    /// <exception cref="ConnectionClosedException">The connection ended first.</exception>
    /// <exception cref="InvalidOperationException">Another call waits, or the stream cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token fired; a later call may wait anew.</exception>
    /// <remarks>How one who computes an answer learns that nobody waits for it.</remarks>
    public abstract ValueTask<ulong?> WaitForWritesClosedAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends sending at once with a code (RESET_STREAM); what is unacknowledged is dropped. Does nothing after the end was acknowledged.</summary>
    /// <param name="code">The application's code, at most <see cref="TransportConnection.MaxCode"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is larger.</exception>
    public abstract void Reset(ulong code);

    /// <summary>Asks the other side to stop sending (STOP_SENDING), and drops what arrives. Does nothing after the end was read.</summary>
    /// <param name="code">The application's code, at most <see cref="TransportConnection.MaxCode"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is larger.</exception>
    public abstract void StopReading(ulong code);

    /// <summary>Lets go of the stream: what was not finished is reset, what was not read to its end is stopped, with <see cref="Wire.Errors.ErrorCode.Cancelled"/>.</summary>
    public abstract ValueTask DisposeAsync();
}
