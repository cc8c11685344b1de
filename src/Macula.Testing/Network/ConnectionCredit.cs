using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>Flow control over all streams of a connection (RFC 9000 §4.1): what this side may send, and what it lets the other send.</summary>
internal sealed class ConnectionCredit(SimulatedConnection connection)
{
    private readonly ReceiveWindow _window = new(connection.Endpoint.Options.ConnectionReceiveWindowBytes);
    private long _limit;
    private long _sent;

    /// <summary>Bytes that may be sent now.</summary>
    public long Available => _limit - _sent;

    public void Start(EndpointOptions peer) => _limit = peer.ConnectionReceiveWindowBytes;

    public void Spend(int bytes) => _sent += bytes;

    /// <summary>Bytes that need no room any more: read, or dropped.</summary>
    public void HandleConsumed(long bytes)
    {
        if (_window.TryAdvance(bytes, out var limit))
        {
            new ConnectionCreditUpdate(connection, limit).Send();
        }
    }

    public void HandleUpdate(long limit)
    {
        if (limit > _limit)
        {
            _limit = limit;
            connection.Streams.MarkBlockedReady();
        }
    }
}

/// <summary>How far a sender may go: moves on as the reader does.</summary>
internal sealed class ReceiveWindow(int windowBytes)
{
    private long _consumed;
    private long _granted = windowBytes;

    /// <summary>Counts bytes that need no room any more; true when it is time to grant more.</summary>
    public bool TryAdvance(long bytes, out long limit)
    {
        _consumed += bytes;
        limit = _consumed + windowBytes;

        // Half a window at a time: an update for every read would double the packets.
        if (_granted - _consumed > windowBytes / 2 || limit == _granted)
        {
            return false;
        }

        _granted = limit;
        return true;
    }
}

/// <summary>RFC 9000 §19.9: MAX_DATA.</summary>
internal sealed class ConnectionCreditUpdate(SimulatedConnection source, long limit) : Transmission(source)
{
    protected override DeliveryKind Kind => DeliveryKind.ConnectionCredit;

    protected override DeliveryLabel Label => new(Source.Number, Detail: limit);

    protected override void Deliver(SimulatedConnection target) => target.Credit.HandleUpdate(limit);
}
