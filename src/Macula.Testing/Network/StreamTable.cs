using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>The streams of one side of a connection, and how many each side may open (RFC 9000 §4.6).</summary>
internal sealed class StreamTable
{
    private readonly SimulatedConnection _connection;
    private readonly Dictionary<long, SimulatedStream> _open = [];
    private readonly Mailbox<SimulatedStream> _incoming;
    private readonly Allowance[] _allowances;

    public StreamTable(SimulatedConnection connection)
    {
        _connection = connection;
        var options = connection.Endpoint.Options;
        _incoming = new Mailbox<SimulatedStream>(connection.Endpoint.Scheduler, 2 * options.MaxIncomingStreams);
        _allowances = [new Allowance(connection), new Allowance(connection)];
    }

    public void Start(EndpointOptions peer)
    {
        foreach (var direction in Enum.GetValues<StreamDirection>())
        {
            _allowances[(int)direction].Granted = _connection.Endpoint.Options.MaxIncomingStreams;
            HandleAllowance(direction, peer.MaxIncomingStreams);
        }
    }

    public ValueTask<TransportStream> OpenAsync(StreamDirection direction, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TransportStream>(cancellationToken);
        }

        var allowance = _allowances[(int)direction];
        return allowance.Opened < allowance.Limit && !allowance.Waiters.Any()
            ? ValueTask.FromResult<TransportStream>(Open(direction))
            : allowance.Waiters.Add(cancellationToken);
    }

    public async ValueTask<TransportStream?> AcceptAsync(CancellationToken cancellationToken)
    {
        var stream = await _incoming.TakeAsync(cancellationToken);
        stream?.HandleTaken();
        return stream;
    }

    /// <summary>The other side allows so many streams from now on.</summary>
    public void HandleAllowance(StreamDirection direction, long limit)
    {
        var allowance = _allowances[(int)direction];
        allowance.Limit = Math.Max(allowance.Limit, limit);
        while (allowance.Opened < allowance.Limit && allowance.Waiters.Any())
        {
            allowance.Waiters.ReleaseFirst(Open(direction));
        }
    }

    /// <summary>The first of a stream has arrived.</summary>
    public SimulatedStream HandleOpened(SimulatedStream twin)
    {
        var stream = new SimulatedStream(_connection, twin.Id, twin.Direction, twin);
        _open.Add(stream.Id, stream);
        _incoming.TryAdd(stream);
        return stream;
    }

    /// <summary>Both directions of the stream are over.</summary>
    public void HandleClosed(SimulatedStream stream)
    {
        _open.Remove(stream.Id);
        if (!stream.IsOpenedHere)
        {
            var granted = ++_allowances[(int)stream.Direction].Granted;
            new StreamCountUpdate(_connection, stream.Direction, granted).Send();
        }
    }

    public void MarkBlockedReady()
    {
        foreach (var stream in _open.Values)
        {
            stream.Sending?.MarkReady();
        }
    }

    public void End(ConnectionEnd end, Func<Exception> closed)
    {
        foreach (var stream in _open.Values)
        {
            stream.HandleConnectionEnd(end.Origin, closed);
        }

        _open.Clear();
        foreach (var allowance in _allowances)
        {
            allowance.Waiters.FailAll(closed);
        }

        _incoming.Close(end.Origin is ConnectionEndOrigin.Local or ConnectionEndOrigin.Remote ? null : closed);
    }

    private SimulatedStream Open(StreamDirection direction)
    {
        // RFC 9000 §2.1: the lowest bit says who opened it, the next one whether it goes one way.
        var kind = (_connection.Role == ConnectionRole.Acceptor ? 1 : 0) | (direction == StreamDirection.Unidirectional ? 2 : 0);
        var id = (_allowances[(int)direction].Opened++ << 2) | (long)kind;
        var stream = new SimulatedStream(_connection, id, direction, twin: null);
        _open.Add(id, stream);
        return stream;
    }

    private sealed class Allowance(SimulatedConnection connection)
    {
        public Waiters<TransportStream> Waiters { get; } = new(connection.Endpoint.Scheduler);

        public long Opened { get; set; }

        public long Limit { get; set; }

        public long Granted { get; set; }
    }
}

/// <summary>RFC 9000 §19.11: MAX_STREAMS.</summary>
internal sealed class StreamCountUpdate(SimulatedConnection source, StreamDirection direction, long limit) : Transmission(source)
{
    protected override DeliveryKind Kind => DeliveryKind.StreamCountCredit;

    protected override DeliveryLabel Label => new(Source.Number, (long)direction, limit);

    protected override void Deliver(SimulatedConnection target) => target.Streams.HandleAllowance(direction, limit);
}
