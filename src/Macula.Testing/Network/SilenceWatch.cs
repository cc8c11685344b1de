using Macula.Testing.VirtualTime;
using Macula.Transport;

namespace Macula.Testing.Network;

/// <summary>Ends a connection whose other side is not heard any more; as an event, the idle timeout.</summary>
/// <remarks>
/// While the other side's packets reach this one, keep-alives are taken for granted and cost no event. Only when something cuts them off does the
/// timeout run, and probes are really sent. Losses short of all do not count: over a whole idle timeout some keep-alive gets through.
/// </remarks>
internal sealed class SilenceWatch : VirtualEvent
{
    private readonly SimulatedConnection _connection;
    private readonly CallbackEvent _probe;
    private long _lastHeardTicks;
    private bool _isHearing = true;
    private TimeSpan _idleTimeout;
    private TimeSpan _keepAliveInterval;

    public SilenceWatch(SimulatedConnection connection)
    {
        _connection = connection;
        _probe = new CallbackEvent(Probe);
    }

    private VirtualWorld World => _connection.Endpoint.World;

    private bool KeepsAlive => _keepAliveInterval < _idleTimeout;

    /// <summary>Starts, once both sides' options are known.</summary>
    public void Start(EndpointOptions own, EndpointOptions peer)
    {
        // RFC 9000 §10.1: the smaller idle timeout applies. Either side's keep-alive is answered, so the shorter interval keeps both.
        _idleTimeout = own.IdleTimeout < peer.IdleTimeout ? own.IdleTimeout : peer.IdleTimeout;
        _keepAliveInterval = own.KeepAliveInterval < peer.KeepAliveInterval ? own.KeepAliveInterval : peer.KeepAliveInterval;
        _lastHeardTicks = World.NowTicks;
        Review();
    }

    public void Stop()
    {
        World.Disarm(this);
        World.Disarm(_probe);
    }

    /// <summary>Something of the other side's arrived; this side's acknowledgement lets that one know.</summary>
    public void HandleArrival()
    {
        _lastHeardTicks = World.NowTicks;
        if (_connection.Peer is { IsEnded: false } peer && _connection.Reaches(peer))
        {
            peer.Silence._lastHeardTicks = World.NowTicks;
        }
    }

    /// <summary>Looks whether the other side still reaches this one.</summary>
    public void Review()
    {
        if (_connection.IsEnded || !_connection.IsEstablished || _idleTimeout == TimeSpan.Zero)
        {
            return;
        }

        var isHearing = KeepsAlive && _connection.Peer is { IsEnded: false } peer && peer.Reaches(_connection);
        if (isHearing == _isHearing)
        {
            return;
        }

        _isHearing = isHearing;
        if (isHearing)
        {
            _lastHeardTicks = World.NowTicks;
            Stop();
            return;
        }

        if (KeepsAlive)
        {
            // The last keep-alive that still got through.
            _lastHeardTicks = World.NowTicks - ((World.NowTicks - _lastHeardTicks) % _keepAliveInterval.Ticks);
            World.Arm(_probe, _keepAliveInterval);
        }

        World.Arm(this, RemainingSilence());
    }

    protected internal override void Fire()
    {
        var remaining = RemainingSilence();
        if (remaining > TimeSpan.Zero)
        {
            World.Arm(this, remaining);
        }
        else
        {
            _connection.End(new ConnectionEnd(ConnectionEndOrigin.Silence, 0, $"Nothing was heard for {_idleTimeout.TotalSeconds:0.###} s."));
        }
    }

    private TimeSpan RemainingSilence() => TimeSpan.FromTicks(_lastHeardTicks + _idleTimeout.Ticks - World.NowTicks);

    private void Probe()
    {
        new KeepAlivePacket(_connection).Send();
        World.Arm(_probe, _keepAliveInterval);
    }
}
