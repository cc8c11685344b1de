using Macula.Testing.VirtualTime;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;

namespace Macula.Testing.Network;

/// <summary>One side of a handshake that is under way; as an event, its timeout.</summary>
internal sealed class Handshake : VirtualEvent
{
    // RFC 8446 §6, RFC 9001 §4.8: the TLS alert certificate_required, 116, as a QUIC error.
    private const ulong CertificateRequired = 0x100 + 116;

    private readonly SimulatedConnection _connection;
    private readonly Completion<TransportConnection>? _dial;
    private readonly long _startedTicks;

    public Handshake(SimulatedConnection connection)
    {
        _connection = connection;
        _startedTicks = connection.Endpoint.World.NowTicks;
        if (connection.Role == ConnectionRole.Dialler)
        {
            _dial = new Completion<TransportConnection>(connection.Endpoint.Scheduler);
        }

        connection.Endpoint.World.Arm(this, connection.Endpoint.Options.HandshakeTimeout);
    }

    /// <summary>Dials: sends the first flight and waits for the answer.</summary>
    public async ValueTask<TransportConnection> DialAsync(CancellationToken cancellationToken)
    {
        new ClientHello(_connection).Send();
        try
        {
            return await _dial!.CancelledBy(cancellationToken).Task;
        }
        catch (OperationCanceledException)
        {
            _connection.Close((ulong)ErrorCode.Cancelled, "The dial was given up.");
            throw;
        }
    }

    /// <summary>The last flight that this side waits for is here.</summary>
    public void Complete()
    {
        Finish();
        _connection.Endpoint.CountHandshake(HandshakeOutcome.Completed);
        if (_dial is not null)
        {
            AddSample(TimeSpan.FromTicks(_connection.Endpoint.World.NowTicks - _startedTicks));
            _connection.Establish();
            _dial.TrySetResult(_connection);
        }
        else if (_connection.PeerCertificates.Count == 0)
        {
            _connection.Break(new ConnectionEnd(ConnectionEndOrigin.Transport, CertificateRequired, "The dialler showed no certificate."));
        }
        else
        {
            _connection.Establish();
            _connection.Endpoint.HandleAccepted(_connection);
        }
    }

    /// <summary>The other side does not want the dial.</summary>
    public void HandleRefusal(ErrorCode code) => Fail(new DialException(
        code,
        $"{_connection.BirthRemoteEndPoint} refused the dial for {_connection.ServerName}: {ErrorCodes.Describe(code).Meaning}"));

    /// <summary>The connection ended before the handshake did.</summary>
    public void HandleEnd(ConnectionEnd end)
    {
        Finish();
        _connection.Endpoint.CountHandshake(HandshakeOutcome.Failed);
        if (_dial is not null)
        {
            _connection.Endpoint.Network.Counters.DialsFailed++;
        }

        var code = end.Origin is ConnectionEndOrigin.Local or ConnectionEndOrigin.Remote ? ErrorCodes.FromWire(end.Code) : ErrorCode.Unreachable;
        _dial?.TrySetException(new DialException(code, end.Reason.Length > 0 ? end.Reason : "The connection ended during the handshake."));
    }

    protected internal override void Fire() => Fail(new DialException(
        ErrorCode.Unreachable,
        $"{_connection.BirthRemoteEndPoint} did not answer within {_connection.Endpoint.Options.HandshakeTimeout.TotalSeconds:0.###} s."));

    // RFC 9002 §5.1 (Karn): a handshake that took longer than the first probe timeout was sent more than once on some way, and gives no sample.
    private void AddSample(TimeSpan elapsed)
    {
        if (elapsed < _connection.RoundTrip.ProbeTimeout(0))
        {
            _connection.RoundTrip.Add(elapsed);
        }
    }

    private void Fail(DialException exception)
    {
        _dial?.TrySetException(exception);
        _connection.End(new ConnectionEnd(ConnectionEndOrigin.Transport, 0, exception.Message));
    }

    private void Finish()
    {
        _connection.Endpoint.World.Disarm(this);
        _connection.HandshakeDone();
    }
}

/// <summary>How a handshake ended.</summary>
internal enum HandshakeOutcome
{
    /// <summary>Both sides know each other.</summary>
    Completed,

    /// <summary>Refused, given up, or out of time.</summary>
    Failed,
}
