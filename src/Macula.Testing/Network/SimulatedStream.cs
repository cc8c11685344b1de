using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Testing.Network;

/// <summary>One side of a simulated stream.</summary>
internal sealed class SimulatedStream : TransportStream
{
    private bool _isTaken;
    private bool _isClosed;

    public SimulatedStream(SimulatedConnection connection, long id, StreamDirection direction, SimulatedStream? twin)
    {
        Connection = connection;
        Id = id;
        Direction = direction;
        IsOpenedHere = twin is null;
        _isTaken = IsOpenedHere;
        Twin = twin;
        if (direction == StreamDirection.Bidirectional || IsOpenedHere)
        {
            Sending = new SendHalf(this);
        }

        if (direction == StreamDirection.Bidirectional || !IsOpenedHere)
        {
            Receiving = new ReceiveHalf(this);
        }
    }

    public override long Id { get; }

    public override bool CanRead => Receiving is not null;

    public override bool CanWrite => Sending is not null;

    public override bool AnythingSent => Sending is { AnythingSent: true };

    public SimulatedConnection Connection { get; }

    public StreamDirection Direction { get; }

    public bool IsOpenedHere { get; }

    public SendHalf? Sending { get; }

    public ReceiveHalf? Receiving { get; }

    /// <summary>The other side of the stream; null while that one knows nothing of it.</summary>
    private SimulatedStream? Twin { get; set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            throw new ArgumentException("The buffer is empty.", nameof(buffer));
        }

        return Receiving is null
            ? ValueTask.FromException<int>(new InvalidOperationException("This end of a unidirectional stream only sends."))
            : Receiving.ReadAsync(buffer, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, WriteEnd end = WriteEnd.KeepOpen, CancellationToken cancellationToken = default) =>
        Sending is null
            ? ValueTask.FromException(new InvalidOperationException("This end of a unidirectional stream only receives."))
            : Sending.WriteAsync(bytes, end, cancellationToken);

    public override ValueTask<ulong?> WaitForWritesClosedAsync(CancellationToken cancellationToken = default) =>
        Sending is null
            ? ValueTask.FromException<ulong?>(new InvalidOperationException("This end of a unidirectional stream only receives."))
            : Sending.WaitForClosedAsync(cancellationToken);

    public override void Reset(ulong code)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, TransportConnection.MaxCode);
        Sending?.Reset(code);
    }

    public override void StopReading(ulong code)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, TransportConnection.MaxCode);
        Receiving?.Stop(code);
    }

    public override ValueTask DisposeAsync()
    {
        Sending?.Abandon((ulong)ErrorCode.Cancelled);
        Receiving?.Stop((ulong)ErrorCode.Cancelled);
        return ValueTask.CompletedTask;
    }

    /// <summary>The other side of the stream, which learns of it now if it did not before.</summary>
    public SimulatedStream TwinAt(SimulatedConnection target)
    {
        Twin ??= target.Streams.HandleOpened(this);
        return Twin;
    }

    /// <summary>The application has it.</summary>
    public void HandleTaken()
    {
        _isTaken = true;
        ReviewClosed();
    }

    /// <summary>Looks whether both directions are over. A stream that nobody has taken goes on counting.</summary>
    public void ReviewClosed()
    {
        if (!_isClosed && _isTaken && Sending is null or { IsOver: true } && Receiving is null or { IsOver: true })
        {
            _isClosed = true;
            Connection.Streams.HandleClosed(this);
        }
    }

    public void HandleConnectionEnd(ConnectionEndOrigin origin, Func<Exception> closed)
    {
        _isClosed = true;
        Sending?.HandleConnectionEnd(closed);
        Receiving?.HandleConnectionEnd(origin, closed);
    }
}
