using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;

namespace Macula.Rpc;

/// <summary>One end of a stream from this node to itself, in memory.</summary>
internal sealed class LocalStream : TransportStream
{
    private readonly LocalFlow _outgoing;
    private readonly LocalFlow _incoming;

    private LocalStream(long id, LocalFlow outgoing, LocalFlow incoming)
    {
        Id = id;
        _outgoing = outgoing;
        _incoming = incoming;
    }

    /// <summary>Makes a stream.</summary>
    /// <returns>Its two ends, which are alike.</returns>
    public static (LocalStream Near, LocalStream Far) Create(MeshScheduler scheduler, long id)
    {
        var there = new LocalFlow(scheduler);
        var back = new LocalFlow(scheduler);
        return (new LocalStream(id, there, back), new LocalStream(id, back, there));
    }

    /// <inheritdoc/>
    public override long Id { get; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool AnythingSent => _outgoing.AnythingWritten;

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _incoming.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, WriteEnd end = WriteEnd.KeepOpen, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _outgoing.Write(bytes.Span, end);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override ValueTask<ulong?> WaitForWritesClosedAsync(CancellationToken cancellationToken = default) => _outgoing.WaitForEndAsync(cancellationToken);

    /// <inheritdoc/>
    public override void Reset(ulong code)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, TransportConnection.MaxCode);
        _outgoing.End(new FlowEnd.Reset(code));
    }

    /// <inheritdoc/>
    public override void StopReading(ulong code)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, TransportConnection.MaxCode);
        _incoming.End(new FlowEnd.Stopped(code));
    }

    /// <summary>Ends both directions at both ends, as the end of a connection does.</summary>
    public void Lose(ConnectionEnd end)
    {
        _outgoing.End(new FlowEnd.Lost(end));
        _incoming.End(new FlowEnd.Lost(end));
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _outgoing.ResetUnlessFinished((ulong)ErrorCode.Cancelled);
        StopReading((ulong)ErrorCode.Cancelled);
        return ValueTask.CompletedTask;
    }
}
