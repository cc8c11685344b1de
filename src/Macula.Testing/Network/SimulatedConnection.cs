using System.Net;
using System.Text;
using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>One side of a simulated connection.</summary>
internal sealed class SimulatedConnection : TransportConnection
{
    // What a packet of 1,200 bytes, the least that QUIC works with (RFC 9000 §14), leaves for a datagram.
    private const int DatagramBytes = 1160;

    private readonly Mailbox<byte[]> _datagrams;
    private readonly Queue<byte[]> _outgoingDatagrams = new();
    private readonly Queue<SendHalf> _ready = new();
    private readonly List<Transmission> _held = [];
    private readonly Waiters<ConnectionEnd> _endWaiters;
    private readonly CallbackEvent _flush;
    private readonly TlsIdentity _identity;
    private ConnectionEnd? _end;
    private long _endedTicks;
    private Carrier.Direct _carrier;

    public SimulatedConnection(SimulatedEndpoint endpoint, ConnectionRole role, TlsIdentity identity, IPEndPoint remote)
    {
        Endpoint = endpoint;
        Role = role;
        _identity = identity;
        BirthRemoteEndPoint = remote;
        _carrier = new Carrier.Direct(remote);
        _flush = new CallbackEvent(Flush);
        _datagrams = new Mailbox<byte[]>(endpoint.Scheduler, endpoint.Options.DatagramQueueLength);
        _endWaiters = new Waiters<ConnectionEnd>(endpoint.Scheduler);
        Number = endpoint.Network.AddConnection(this);
        Streams = new StreamTable(this);
        Credit = new ConnectionCredit(this);
        Silence = new SilenceWatch(this);
        Handshake = new Handshake(this);
    }

    public override ConnectionRole Role { get; }

    public override string ServerName => _identity.ServerName;

    public override IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates => Peer?.OwnCertificates ?? [];

    public override IPEndPoint BirthRemoteEndPoint { get; }

    public override Carrier Carrier => _carrier;

    public override TimeSpan RoundTripTime => RoundTrip.Smoothed;

    public override int MaxDatagramBytes => DatagramBytes;

    public SimulatedEndpoint Endpoint { get; }

    /// <summary>The side's number in its network.</summary>
    public long Number { get; }

    public SimulatedConnection? Peer { get; private set; }

    public StreamTable Streams { get; }

    public ConnectionCredit Credit { get; }

    public SilenceWatch Silence { get; }

    public RoundTripEstimator RoundTrip { get; } = new();

    /// <summary>Null once it is over.</summary>
    public Handshake? Handshake { get; private set; }

    public bool IsEstablished { get; private set; }

    public bool IsEnded => _end is not null;

    public IReadOnlyList<ReadOnlyMemory<byte>> OwnCertificates => _identity.CertificateChain;

    public IPEndPoint CarrierEndPoint => _carrier.Remote;

    public override void UseCarrier(Carrier carrier)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        _carrier = carrier as Carrier.Direct ?? throw new ArgumentException($"The simulated network has no carrier {carrier}.", nameof(carrier));
        Peer?.Silence.Review();
    }

    public override ValueTask<TransportStream> OpenStreamAsync(StreamDirection direction, CancellationToken cancellationToken = default) =>
        IsEnded ? ValueTask.FromException<TransportStream>(Closed()) : Streams.OpenAsync(direction, cancellationToken);

    public override ValueTask<TransportStream?> AcceptStreamAsync(CancellationToken cancellationToken = default) => Streams.AcceptAsync(cancellationToken);

    public override bool TrySendDatagram(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length is 0 or > DatagramBytes)
        {
            throw new ArgumentException($"A datagram has 1 to {DatagramBytes} bytes, not {datagram.Length}.", nameof(datagram));
        }

        if (IsEnded || _outgoingDatagrams.Count >= Endpoint.Options.DatagramQueueLength)
        {
            Endpoint.CountDatagramDropped();
            return false;
        }

        _outgoingDatagrams.Enqueue(datagram.ToArray());
        ArmFlush();
        return true;
    }

    public override async ValueTask<ReadOnlyMemory<byte>?> ReceiveDatagramAsync(CancellationToken cancellationToken = default) =>
        await _datagrams.TakeAsync(cancellationToken) is { } datagram ? new ReadOnlyMemory<byte>(datagram) : default(ReadOnlyMemory<byte>?);

    public override void Close(ulong code, string reason)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, MaxCode);
        ArgumentNullException.ThrowIfNull(reason);
        Break(new ConnectionEnd(ConnectionEndOrigin.Local, code, CutReason(reason)));
    }

    public override ValueTask<ConnectionEnd> WaitForEndAsync(CancellationToken cancellationToken = default) =>
        _end is null ? _endWaiters.Add(cancellationToken) : ValueTask.FromResult(_end);

    public override ValueTask DisposeAsync()
    {
        Close(0, "");
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes the two the sides of one connection.</summary>
    public void JoinWith(SimulatedConnection dialler)
    {
        Peer = dialler;
        dialler.Peer = this;
    }

    public bool Reaches(SimulatedConnection other) => Endpoint.Network.Reaches(Endpoint, CarrierEndPoint, other.Endpoint);

    public void HandshakeDone() => Handshake = null;

    /// <summary>This side has all that it needs of the handshake.</summary>
    public void Establish()
    {
        if (IsEnded)
        {
            return;
        }

        IsEstablished = true;
        var peer = Peer!.Endpoint.Options;
        Streams.Start(peer);
        Credit.Start(peer);
        Silence.Start(Endpoint.Options, peer);
        var held = _held.ToArray();
        _held.Clear();
        foreach (var transmission in held)
        {
            transmission.Release(this);
        }
    }

    /// <summary>Keeps what arrived before the handshake was done. Flow control bounds it.</summary>
    public void Hold(Transmission transmission) => _held.Add(transmission);

    public void HandleDatagram(byte[] datagram)
    {
        if (!_datagrams.TryAdd(datagram))
        {
            Endpoint.CountDatagramDropped();
        }
    }

    public void HandleStatelessReset() => End(new ConnectionEnd(ConnectionEndOrigin.Silence, 0, "The other side no longer knows the connection."));

    /// <summary>Ends this side and tells the other.</summary>
    public void Break(ConnectionEnd end)
    {
        if (IsEnded)
        {
            return;
        }

        if (Peer is not null)
        {
            new ClosePacket(this, end).Send();
        }

        End(end);
    }

    /// <summary>Sends the close once more; false when it is too long ago, or was none.</summary>
    public bool TryRepeatClose()
    {
        // RFC 9000 §10.2: the closing state lasts three probe timeouts.
        var closedFor = TimeSpan.FromTicks(Endpoint.World.NowTicks - _endedTicks);
        if (_end is not { Origin: ConnectionEndOrigin.Local or ConnectionEndOrigin.Transport } end || closedFor > RoundTrip.ProbeTimeout(0) * 3)
        {
            return false;
        }

        new ClosePacket(this, end).Send();
        return true;
    }

    /// <summary>Ends this side: everything that waits on it ends.</summary>
    public void End(ConnectionEnd end)
    {
        if (IsEnded)
        {
            return;
        }

        _end = end;
        _endedTicks = Endpoint.World.NowTicks;
        Endpoint.Remove(this);
        Endpoint.Network.RemoveConnection(this);
        Endpoint.World.Disarm(_flush);
        Silence.Stop();
        _held.Clear();
        _outgoingDatagrams.Clear();
        Handshake?.HandleEnd(end);
        Streams.End(end, Closed);
        _datagrams.Close(failure: null);
        _endWaiters.ReleaseAll(end);
        Peer?.Silence.Review();
    }

    public ConnectionClosedException Closed() => new(_end!);

    /// <summary>Has the stream send what it may, once the present moment's code has run.</summary>
    public void MarkReady(SendHalf half)
    {
        if (!half.IsMarkedReady && !IsEnded)
        {
            half.IsMarkedReady = true;
            _ready.Enqueue(half);
            ArmFlush();
        }
    }

    private static string CutReason(string reason)
    {
        var plain = new string([.. reason.Where(character => !char.IsControl(character))]);
        var bytes = Encoding.UTF8.GetBytes(plain);
        if (bytes.Length <= MaxCloseReasonBytes)
        {
            return plain;
        }

        // Cut before a character, never within one: bytes 10xxxxxx continue one.
        var length = MaxCloseReasonBytes;
        while ((bytes[length] & 0xC0) == 0x80)
        {
            length--;
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private void ArmFlush()
    {
        if (!_flush.IsArmed)
        {
            Endpoint.World.Arm(_flush, TimeSpan.Zero);
        }
    }

    // One segment of each stream in turn, so that none starves the others.
    private void Flush()
    {
        while (_outgoingDatagrams.TryDequeue(out var datagram))
        {
            new DatagramPacket(this, datagram).Send();
        }

        while (_ready.TryDequeue(out var half))
        {
            half.IsMarkedReady = false;
            if (half.TrySendSegment())
            {
                MarkReady(half);
            }
        }
    }
}
