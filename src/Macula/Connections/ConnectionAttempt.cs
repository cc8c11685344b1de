using Macula.Identity.Certificates;
using Macula.Identity.Trust;
using Macula.Protocols.Establishment;
using Macula.Realms;
using Macula.Requests;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Connections;

/// <summary>Brings a connection of the transport from the end of its TLS handshake to up: verdict, hello, hello.</summary>
/// <remarks>The shell of <see cref="ConnectionEstablishment"/>; runs on the connection's own queue.</remarks>
internal sealed class ConnectionAttempt
{
    private readonly RealmServices _realm;
    private readonly RequestServer _requests;
    private readonly TransportConnection _transport;
    private readonly SerialQueue _queue;
    private readonly ConnectionEstablishment _core;
    private readonly IncomingStreams _incoming;
    private readonly Completion<MeshConnection> _outcome;
    private readonly QueueTimer _timer;
    private NodeIdentity? _peer;
    private readonly Completion<TransportStream?> _controlOpened;
    private readonly Task<TransportStream?> _control;
    private MeshConnection? _up;
    private DrainFrame? _earlyDrain;

    private ConnectionAttempt(RealmServices realm, RequestServer requests, TransportConnection transport, NodeId? wanted)
    {
        _realm = realm;
        _requests = requests;
        _transport = transport;
        _queue = realm.Scheduler.CreateQueue();
        _timer = new QueueTimer(realm, _queue, HandleTimeout);
        _core = new ConnectionEstablishment(realm.Self.NodeId, wanted, realm.Scheduler.Now, realm.Limits.Establishment);
        _incoming = new IncomingStreams(transport);
        _outcome = new Completion<MeshConnection>(realm.Scheduler);
        _controlOpened = new Completion<TransportStream?>(realm.Scheduler);
        _control = _controlOpened.Task.AsTask();
    }

    /// <summary>Establishes a connection.</summary>
    /// <param name="realm">The realm that it belongs to.</param>
    /// <param name="requests">Serves the streams that the other side opens.</param>
    /// <param name="transport">The connection; closed when this fails.</param>
    /// <param name="wanted">The node that was dialled; null for an accepted connection or a dial by address.</param>
    /// <exception cref="DialException">Either side refused, or the connection ended first.</exception>
    public static ValueTask<MeshConnection> EstablishAsync(RealmServices realm, RequestServer requests, TransportConnection transport, NodeId? wanted)
    {
        var attempt = new ConnectionAttempt(realm, requests, transport, wanted);
        return attempt._queue.RunAsync(attempt.RunAsync);
    }

    private async ValueTask<MeshConnection> RunAsync()
    {
        _timer.Set(_core.PollTimeout());
        _realm.Tasks.Run(JudgeAsync);
        _realm.Tasks.Run(() => _incoming.RunAsync(stream => _realm.Tasks.Run(() => ReadControlStreamAsync(stream))));
        _realm.Tasks.Run(WatchEndAsync);
        try
        {
            return await _outcome.Task;
        }
        finally
        {
            _timer.Stop();
        }
    }

    private void HandleTimeout()
    {
        _core.HandleTimeout(_realm.Scheduler.Now);
        Pump();
        _timer.Set(_core.PollTimeout());
    }

    private async Task JudgeAsync()
    {
        var now = _realm.Scheduler.WallNow;
        var verdict = await _realm.Scheduler.OffloadAsync(() => _realm.Judge.Judge(_transport.PeerCertificates, now));
        switch (verdict)
        {
            case Verdict.Accepted accepted:
                _peer = accepted.Identity;
                _core.HandleAccepted(accepted.Identity.NodeId);
                break;
            case Verdict.Refused refused:
                _core.HandleRefused(refused.Code, refused.Detail);
                break;
            default:
                throw new InvalidOperationException("A verdict is accepted or refused.");
        }

        Pump();
    }

    private async Task ReadControlStreamAsync(TransportStream stream)
    {
        var control = new ControlStream(stream);
        var first = await control.ReadHelloAsync();
        if (first.Error is { } error)
        {
            _core.HandleProtocolError(error);
        }
        else if (first.Hello is { } hello)
        {
            _core.HandleHello(hello);
        }

        Pump();
        if (first.Hello is not null && await control.ReadToEndAsync(HandleDrain) is { } violation)
        {
            if (_up is not null)
            {
                Violated(violation);
            }
            else
            {
                _core.HandleProtocolError(violation);
                Pump();
            }
        }
    }

    // A node may drain before this side's verdict is there; its state only goes forward, so the last frame says all.
    private void HandleDrain(DrainFrame frame)
    {
        if (_up is { } connection)
        {
            connection.HandleDrain(frame);
        }
        else
        {
            _earlyDrain = frame;
        }
    }

    private void Violated(ProtocolError error)
    {
        if (_peer is { } peer)
        {
            _realm.Violated(peer.NodeId, error);
        }

        _transport.Close((ulong)error.Code, ErrorCodes.Describe(error.Code).Meaning);
    }

    private async Task WatchEndAsync()
    {
        var end = await _transport.WaitForEndAsync();
        _outcome.TrySetException(Refusal(end));
        _up?.HandleEnd();
    }

    private void Pump()
    {
        while (_core.TryPoll(out var output))
        {
            switch (output)
            {
                case EstablishmentOutput.SendHello:
                    _realm.Tasks.Run(SendHelloAsync);
                    break;
                case EstablishmentOutput.Up up:
                    Complete(up.Peer);
                    break;
                case EstablishmentOutput.Close close:
                    Refuse(close.Code, close.Detail);
                    break;
            }
        }
    }

    private async Task SendHelloAsync()
    {
        try
        {
            _controlOpened.TrySetResult(await ControlStream.SendHelloAsync(_transport, _realm.Instance));
        }
        catch (MaculaException)
        {
            // The connection ended: WatchEndAsync tells whoever waits for it.
            _controlOpened.TrySetResult(null);
        }
    }

    private void Complete(PeerHello hello)
    {
        Wire.Invariant.Hold(_peer is not null, "A connection is up only after a verdict.");
        var streams = new StreamCount(_realm.Scheduler);
        var connection = new MeshConnection(_realm, _transport, _peer, hello, streams, _control);
        _up = connection;
        _realm.Tasks.Run(connection.CloseAtExpiryAsync);
        _incoming.ServeWith(stream => _requests.Serve(stream, connection));
        if (_earlyDrain is { } drain)
        {
            connection.HandleDrain(drain);
        }

        if (!_outcome.TrySetResult(connection))
        {
            connection.HandleEnd();
            connection.Close(ErrorCode.Cancelled);
        }
    }

    private void Refuse(ErrorCode code, string detail)
    {
        _realm.RefusedConnection(_transport.BirthRemoteEndPoint, code, detail);

        // [CON-9]: the other side gets the registered meaning; the precise reason stays here.
        _outcome.TrySetException(new DialException(code, $"This node refused {_transport.BirthRemoteEndPoint}: {detail}"));
        _transport.Close((ulong)code, ErrorCodes.Describe(code).Meaning);
    }

    private DialException Refusal(ConnectionEnd end)
    {
        if (end.Origin == ConnectionEndOrigin.Remote)
        {
            // Closing in good order before the connection is up is no refusal, and no success either.
            var code = end.Code == 0 ? ErrorCode.ConnectionLost : ErrorCodes.FromWire(end.Code);
            return new DialException(code, $"{_transport.BirthRemoteEndPoint} refused this node: {ErrorCodes.Describe(code).Meaning}");
        }

        return new DialException(ErrorCode.Unreachable, $"The connection to {_transport.BirthRemoteEndPoint} ended before it was up: {new ConnectionClosedException(end).Message}");
    }
}
