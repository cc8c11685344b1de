using System.Net;
using Macula.Identity.Certificates;
using Macula.Protocols.Establishment;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Time;

namespace Macula.Connections;

/// <summary>One connection of a realm to another node, from the moment that it is up.</summary>
internal sealed class MeshConnection : INodeLink
{
    // [CON-8]: more than a round trip and the repetition of a lost packet; a node that was killed delays the end of others by no more.
    private static readonly TimeSpan DrainAnswerTimeout = TimeSpan.FromSeconds(3);

    // The framework's timers end at about 49 days; a certificate may live longer.
    private static readonly TimeSpan MaxTimer = TimeSpan.FromDays(40);

    private readonly RealmServices _realm;
    private readonly TransportConnection _transport;
    private readonly StreamCount _streams;
    private readonly ConnectionDrain _drain;

    private int _lanes;

    internal MeshConnection(
        RealmServices realm, TransportConnection transport, NodeIdentity peer, PeerHello hello, StreamCount streams, Task<TransportStream?> control)
    {
        _drain = new ConnectionDrain(realm, control, streams);
        _realm = realm;
        _transport = transport;
        _streams = streams;
        Peer = peer;
        Hello = hello;
        Origin = new ConnectionOrigin(transport.Role == ConnectionRole.Dialler ? Dialled.ByThisNode : Dialled.ByOtherNode, hello.Instance);
    }

    /// <inheritdoc/>
    public NodeIdentity Peer { get; }

    /// <summary>DER of the other node's certificate.</summary>
    public ReadOnlyMemory<byte> PeerCertificate => _transport.PeerCertificates[0];

    /// <summary>What the other node said of itself.</summary>
    public PeerHello Hello { get; }

    /// <summary>What decides if another connection to the same node replaces this one.</summary>
    public ConnectionOrigin Origin { get; }

    /// <summary>True once this side opens no more streams on it.</summary>
    public bool IsDraining => _streams.IsDraining;

    /// <summary>The other node's address when the handshake was made, over which its certificate has come.</summary>
    public IPEndPoint BirthRemoteEndPoint => _transport.BirthRemoteEndPoint;

    /// <inheritdoc/>
    public PathReport Path => new(_transport.Carrier, _transport.RoundTripTime);

    /// <summary>Completes when this side begins to open no more streams, on its own account or the other's, or when the connection ends.</summary>
    public Task Draining => _drain.Begun;

    /// <summary>True once an application has used it: [CON-16].</summary>
    public bool IsApplications => _streams.IsApplications;

    /// <summary>Since when no stream of it has been in use; the present while one is.</summary>
    public Instant IdleSince => _streams.IdleSince;

    /// <summary>Notes what a stream that the other side opened is for, once its first frame says so.</summary>
    public void HandleUsed(ConnectionUse use) => _streams.HandleUsed(use);

    /// <inheritdoc/>
    /// <remarks>A connection that drains opens no more, and another one must be asked for.</remarks>
    public async ValueTask<TransportStream?> TryOpenStreamAsync(ConnectionUse use, CancellationToken cancellationToken)
    {
        if (!_streams.TryEnterOutgoing(use))
        {
            return null;
        }

        try
        {
            return await _transport.OpenStreamAsync(StreamDirection.Bidirectional, cancellationToken);
        }
        catch (Exception exception) when (exception is MaculaException or OperationCanceledException)
        {
            _streams.LeaveOutgoing();
            throw;
        }
    }

    /// <inheritdoc/>
    public void StreamEnded() => _streams.LeaveOutgoing();

    /// <summary>Takes part in the count for a stream that the other side opened; false when as many are in use as may be.</summary>
    public bool TryEnterIncoming() => _streams.TryEnterIncoming(_realm.Limits.MaxIncomingCalls);

    /// <summary>Gives back what <see cref="TryEnterIncoming"/> took.</summary>
    public void IncomingEnded() => _streams.LeaveIncoming();

    /// <summary>Takes one of the places of event lanes that the other side opened; false when all are taken ([PUB-6]).</summary>
    public bool TryEnterLane()
    {
        if (Interlocked.Increment(ref _lanes) <= EventLanes.MaxPerConnection)
        {
            return true;
        }

        Interlocked.Decrement(ref _lanes);
        return false;
    }

    /// <summary>Gives back what <see cref="TryEnterLane"/> took.</summary>
    public void LaneEnded() => Interlocked.Decrement(ref _lanes);

    /// <summary>Completes when the connection has ended.</summary>
    public ValueTask<ConnectionEnd> WaitForEndAsync() => _transport.WaitForEndAsync();

    /// <summary>Closes at once.</summary>
    public void Close(ErrorCode code) => _transport.Close((ulong)code, ErrorCodes.Describe(code).Meaning);

    /// <summary>Opens no more streams, tells the other side, lets those in use finish, then closes: see [CON-8].</summary>
    /// <param name="code">The close code; what an earlier drain told the other side stays told.</param>
    /// <param name="timeout">Longest wait.</param>
    public async Task DrainAsync(ErrorCode code, TimeSpan timeout)
    {
        _drain.Begin(code);
        var done = Task.WhenAny(_drain.Agreed, WaitForEndAsync().AsTask());
        var deadline = _realm.Scheduler.Now + timeout;
        while (deadline - _realm.Scheduler.Now is { Ticks: > 0 } left)
        {
            try
            {
                await done.WaitAsync(left < DrainAnswerTimeout ? left : DrainAnswerTimeout, _realm.Scheduler.Time);
                break;
            }
            catch (TimeoutException) when (!_streams.IsIdle)
            {
                // [CON-8]: what is in use has the whole time.
                continue;
            }
            catch (TimeoutException)
            {
                // [CON-8]: the other side does not answer, and nothing is in use.
                break;
            }
        }

        // What has not finished by now ends with the connection, and its callers are told so.
        Close(code);
    }

    /// <summary>The other side opens no more streams: neither does this one, and who is first to see that none is in use closes ([CON-8]).</summary>
    public void HandleDrain(DrainFrame frame)
    {
        _drain.HandleOther(frame.State);
        if (!_streams.IsDraining)
        {
            _realm.Tasks.Run(() => DrainAsync(frame.Code, _realm.Limits.DrainTimeout));
        }
    }

    /// <summary>The connection has ended: whoever waits for its draining need not.</summary>
    public void HandleEnd() => _drain.HandleEnd();

    /// <summary>Ends the connection when the other node's certificate ends: [CON-13]. Runs as long as the connection.</summary>
    public async Task CloseAtExpiryAsync()
    {
        using var stop = new CancellationTokenSource();
        var end = WaitForEndAsync().AsTask();
        while (!end.IsCompleted && Peer.AcceptedUntil - _realm.Scheduler.WallNow is { Ticks: > 0 } left)
        {
            await Task.WhenAny(end, Task.Delay(left < MaxTimer ? left : MaxTimer, _realm.Scheduler.Time, stop.Token));
        }

        stop.Cancel();
        if (!end.IsCompleted)
        {
            _realm.Metrics.ConnectionRefused(ErrorCode.CertificateExpired);
            Close(ErrorCode.CertificateExpired);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Peer.Name} ({Peer.NodeId.ToShortString()}) over {_transport.Carrier}";
}
