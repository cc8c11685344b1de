using System.Net;
using Macula.Transport.Execution;
using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Streams;

namespace Macula.Transport.Quic.Connections;

/// <summary>A QUIC connection as the application sees it. Its counterpart on the loop's thread is <see cref="ConnectionCore"/>.</summary>
internal sealed class QuicConnection : TransportConnection, ILoopTarget
{
    private readonly Lock _gate = new();
    private readonly StreamOpener _bidiOpener;
    private readonly StreamOpener _uniOpener;
    private readonly List<Completion<ConnectionEnd>> _endWaiters = [];
    private ConnectionEnd? _end;
    private volatile Carrier _carrier;
    private NativeAddress _destination;
    private CloseOrder? _closeOrder;
    private long _roundTripNanoseconds;
    private int _maxDatagramBytes = LeastDatagramBytes;

    // What fits the smallest packet of QUIC (1,200 bytes) with the longest header.
    private const int LeastDatagramBytes = 1_150;

    public QuicConnection(EndpointServices services, ConnectionCore core, ConnectionRole role, IPEndPoint birthRemote)
    {
        Services = services;
        Core = core;
        Role = role;
        BirthRemoteEndPoint = birthRemote;
        _carrier = new Carrier.Direct(birthRemote);
        _bidiOpener = new StreamOpener(this, StreamDirection.Bidirectional);
        _uniOpener = new StreamOpener(this, StreamDirection.Unidirectional);
        Credit = new CreditReturn(this, services.Options.ConnectionReceiveWindowBytes);
        Outbox = new DatagramOutbox(services.Options.DatagramQueueLength);
        Datagrams = new Handoff<ReadOnlyMemory<byte>>(services.Scheduler, services.Options.DatagramQueueLength);

        // Both directions; the other side's limits keep it from ever being full.
        Incoming = new Handoff<QuicStream>(services.Scheduler, 2 * services.Options.MaxIncomingStreams);
    }

    /// <inheritdoc/>
    public override ConnectionRole Role { get; }

    /// <inheritdoc/>
    public override string ServerName => Core.Handshake.ServerName;

    /// <inheritdoc/>
    public override IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates => Core.Handshake.PeerCertificates;

    /// <inheritdoc/>
    public override IPEndPoint BirthRemoteEndPoint { get; }

    /// <inheritdoc/>
    public override Carrier Carrier => _carrier;

    /// <inheritdoc/>
    public override TimeSpan RoundTripTime => TimeSpan.FromMicroseconds(Volatile.Read(ref _roundTripNanoseconds) / 1_000.0);

    /// <inheritdoc/>
    public override int MaxDatagramBytes => Volatile.Read(ref _maxDatagramBytes);

    /// <summary>How it ended; for use where it has.</summary>
    public ConnectionEnd EndOrDefault => _end ?? ConnectionEnds.NotOpen;

    /// <summary>What all connections of the endpoint share.</summary>
    public EndpointServices Services { get; }

    /// <summary>The part that lives on the loop's thread.</summary>
    public ConnectionCore Core { get; }

    /// <summary>What the other side may send again.</summary>
    public CreditReturn Credit { get; }

    /// <summary>Datagrams to send.</summary>
    public DatagramOutbox Outbox { get; }

    /// <summary>Datagrams that arrived.</summary>
    public Handoff<ReadOnlyMemory<byte>> Datagrams { get; }

    /// <summary>Streams that the other side opened and nobody took.</summary>
    public Handoff<QuicStream> Incoming { get; }

    /// <inheritdoc/>
    public override void UseCarrier(Carrier carrier)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        if (carrier is not Carrier.Direct direct || !Services.Socket.TryEncode(direct.Remote, out var destination))
        {
            throw new ArgumentException($"This endpoint's socket does not reach the carrier {carrier}.", nameof(carrier));
        }

        lock (_gate)
        {
            _carrier = carrier;
            _destination = destination;
        }

        Post(static connection => ((QuicConnection)connection).ApplyCarrier(), this);
    }

    /// <inheritdoc/>
    public override ValueTask<TransportStream> OpenStreamAsync(StreamDirection direction, CancellationToken cancellationToken = default) =>
        OpenerOf(direction).OpenAsync(cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask<TransportStream?> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        var taken = await Incoming.TakeAsync(cancellationToken);
        if (taken.HasItem)
        {
            taken.Item.MarkTaken();
            return taken.Item;
        }

        return _end is { Origin: ConnectionEndOrigin.Transport or ConnectionEndOrigin.Silence } broken ? throw new ConnectionClosedException(broken) : null;
    }

    /// <inheritdoc/>
    public override bool TrySendDatagram(ReadOnlySpan<byte> datagram)
    {
        if (datagram.IsEmpty || datagram.Length > MaxDatagramBytes)
        {
            throw new ArgumentException($"A datagram of this connection has 1 to {MaxDatagramBytes} bytes now, not {datagram.Length}.", nameof(datagram));
        }

        if (!Outbox.TryAdd(datagram, out var wasEmpty))
        {
            Services.Statistics.DatagramDropped();
            return false;
        }

        if (wasEmpty)
        {
            Post(static connection => ((QuicConnection)connection).Core.Wake(), this);
        }

        return true;
    }

    /// <inheritdoc/>
    public override async ValueTask<ReadOnlyMemory<byte>?> ReceiveDatagramAsync(CancellationToken cancellationToken = default)
    {
        var taken = await Datagrams.TakeAsync(cancellationToken);
        return taken.HasItem ? taken.Item : (ReadOnlyMemory<byte>?)null;
    }

    /// <inheritdoc/>
    public override void Close(ulong code, string reason)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, MaxCode);
        ArgumentNullException.ThrowIfNull(reason);
        var bytes = CloseReason.Encode(reason);
        lock (_gate)
        {
            if (_end is not null || _closeOrder is not null)
            {
                return;
            }

            _closeOrder = new CloseOrder(code, bytes);
        }

        // What is pending ends at once; the loop tells the other side.
        TryEnd(new ConnectionEnd(ConnectionEndOrigin.Local, code, CloseReason.Decode(bytes)));
        Post(static connection => ((QuicConnection)connection).ApplyClose(), this);
    }

    /// <inheritdoc/>
    public override ValueTask<ConnectionEnd> WaitForEndAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_end is not null)
            {
                return ValueTask.FromResult(_end);
            }

            _endWaiters.RemoveAll(waiter => waiter.IsCompleted);
            var completion = new Completion<ConnectionEnd>(Services.Scheduler);
            _endWaiters.Add(completion);
            return completion.CancelledBy(cancellationToken).Task;
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Close(0, "");
        return ValueTask.CompletedTask;
    }

    /// <summary>Has the work run on the loop's thread.</summary>
    public void Post(Action<object> work, object target) => Services.Queue.Post(work, target);

    /// <inheritdoc/>
    public void EndAfterFailure() => Core.EndAfterFailure();

    /// <summary>Raises the number of streams that this side may open. On the loop's thread.</summary>
    public void AllowStreams(StreamDirection direction, ulong total) => OpenerOf(direction).Allow(total);

    /// <summary>Drops the datagram whose turn it is, since it can never be sent. On the loop's thread.</summary>
    public void DropDatagram()
    {
        Outbox.Remove();
        Services.Statistics.DatagramDropped();
    }

    /// <summary>Takes a datagram from the other side. On the loop's thread.</summary>
    public void HandleDatagram(ReadOnlySpan<byte> datagram)
    {
        if (!Datagrams.TryAdd(datagram.ToArray()))
        {
            Services.Statistics.DatagramDropped();
        }
    }

    /// <summary>Publishes what the loop has measured.</summary>
    public void Publish(ulong roundTripNanoseconds, int maxDatagramBytes)
    {
        Volatile.Write(ref _roundTripNanoseconds, (long)roundTripNanoseconds);
        Volatile.Write(ref _maxDatagramBytes, maxDatagramBytes);
    }

    /// <summary>Ends the connection for the application, once: the first reason counts. Streams are ended by the loop.</summary>
    /// <returns>The reason that counts.</returns>
    public ConnectionEnd TryEnd(ConnectionEnd end)
    {
        Completion<ConnectionEnd>[] waiters;
        lock (_gate)
        {
            if (_end is not null)
            {
                return _end;
            }

            _end = end;
            waiters = [.. _endWaiters];
            _endWaiters.Clear();
        }

        foreach (var waiter in waiters)
        {
            waiter.TrySetResult(end);
        }

        _bidiOpener.Fail(end);
        _uniOpener.Fail(end);
        Outbox.Close();
        Datagrams.Close();
        _ = Incoming.CloseAndClear();
        return end;
    }

    private StreamOpener OpenerOf(StreamDirection direction) => direction == StreamDirection.Bidirectional ? _bidiOpener : _uniOpener;

    private void ApplyCarrier()
    {
        lock (_gate)
        {
            Core.Destination = _destination;
        }
    }

    private void ApplyClose() => Core.Close(_closeOrder!.Code, _closeOrder.Reason);

    private sealed record CloseOrder(ulong Code, byte[] Reason);
}
