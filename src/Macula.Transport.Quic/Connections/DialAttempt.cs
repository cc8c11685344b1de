using Macula.Transport.Execution;
using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Tls;
using Macula.Wire.Errors;

namespace Macula.Transport.Quic.Connections;

/// <summary>One dial, from the call to its outcome.</summary>
internal sealed class DialAttempt(EndpointServices services, NativeAddress remote, TlsCredentials credentials) : ILoopTarget
{
    private readonly Completion<TransportConnection> _outcome = new(services.Scheduler);
    private ConnectionCore? _core;

    /// <summary>Where to.</summary>
    public NativeAddress Remote { get; } = remote;

    /// <summary>As whom.</summary>
    public TlsCredentials Credentials { get; } = credentials;

    /// <summary>Dials; returns when the handshake is done or refused.</summary>
    public async ValueTask<TransportConnection> RunAsync(CancellationToken cancellationToken)
    {
        services.Queue.Post(static attempt => ((DialAttempt)attempt).Begin(), this);
        using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((DialAttempt)state!).Cancel(token), this);
        return await _outcome.Task;
    }

    /// <summary>Reports the connection; false when nobody waits for it any more.</summary>
    public bool TrySucceed(TransportConnection connection) => _outcome.TrySetResult(connection);

    /// <summary>Reports that the handshake came to nothing.</summary>
    public void Fail(ConnectionEnd end) => _outcome.TrySetException(ConnectionEnds.ToDialException(end, this));

    /// <inheritdoc/>
    public void EndAfterFailure()
    {
        _outcome.TrySetException(new DialException(ErrorCode.InternalError, $"The dial to {Remote.ToEndPoint()} failed on this side; the log says why."));
        _core?.EndAfterFailure();
    }

    private void Cancel(CancellationToken token)
    {
        if (_outcome.TrySetException(new OperationCanceledException(token)))
        {
            services.Queue.Post(static attempt => ((DialAttempt)attempt)._core?.Abandon(), this);
        }
    }

    // On the loop's thread.
    private void Begin()
    {
        if (_outcome.IsCompleted)
        {
            return;
        }

        if (services.IsClosed)
        {
            Fail(ConnectionEnds.EndpointClosed);
        }
        else if (services.Statistics.ConnectionsOpen >= services.Options.MaxConnections)
        {
            services.Statistics.ConnectionsRefused++;
            _outcome.TrySetException(new DialException(ErrorCode.LimitExceeded, $"This endpoint has {services.Options.MaxConnections} connections, its limit ({nameof(EndpointOptions.MaxConnections)})."));
        }
        else
        {
            _core = ConnectionCore.Dial(services, this, services.Clock.Read());
        }
    }
}
