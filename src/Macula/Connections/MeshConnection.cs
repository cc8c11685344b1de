using Macula.Identity.Certificates;
using Macula.Protocols.Establishment;
using Macula.Realms;
using Macula.Transport;
using Macula.Wire.Errors;

namespace Macula.Connections;

/// <summary>One connection of a realm to another node, from the moment that it is up.</summary>
internal sealed class MeshConnection
{
    // [CON-8]: the other side may open a stream until it has decided as well, about a round trip later; what it opened then must still arrive.
    private static readonly TimeSpan DrainLinger = TimeSpan.FromSeconds(1);

    // The framework's timers end at about 49 days; a certificate may live longer.
    private static readonly TimeSpan MaxTimer = TimeSpan.FromDays(40);

    private readonly RealmServices _realm;
    private readonly TransportConnection _transport;
    private readonly StreamCount _streams;

    internal MeshConnection(RealmServices realm, TransportConnection transport, NodeIdentity peer, PeerHello hello, StreamCount streams)
    {
        _realm = realm;
        _transport = transport;
        _streams = streams;
        Peer = peer;
        Hello = hello;
        Origin = new ConnectionOrigin(transport.Role == ConnectionRole.Dialler ? Dialled.ByThisNode : Dialled.ByOtherNode, hello.Instance);
    }

    /// <summary>The other node, as its certificate proves it.</summary>
    public NodeIdentity Peer { get; }

    /// <summary>What the other node said of itself.</summary>
    public PeerHello Hello { get; }

    /// <summary>What decides if another connection to the same node replaces this one.</summary>
    public ConnectionOrigin Origin { get; }

    /// <summary>True once this side opens no more streams on it.</summary>
    public bool IsDraining => _streams.IsDraining;

    /// <summary>How the two nodes reach each other now.</summary>
    public PathReport Path => new(_transport.Carrier, _transport.RoundTripTime);

    /// <summary>Opens a stream for a call; null when the connection drains and another one must be asked for.</summary>
    public async ValueTask<TransportStream?> TryOpenCallAsync(CancellationToken cancellationToken)
    {
        if (!_streams.TryEnterOutgoing())
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

    /// <summary>Gives back a stream from <see cref="TryOpenCallAsync"/>, which the caller has let go of.</summary>
    public void CallEnded() => _streams.LeaveOutgoing();

    /// <summary>Completes when the connection has ended.</summary>
    public ValueTask<ConnectionEnd> WaitForEndAsync() => _transport.WaitForEndAsync();

    /// <summary>Closes at once.</summary>
    public void Close(ErrorCode code) => _transport.Close((ulong)code, ErrorCodes.Describe(code).Meaning);

    /// <summary>Takes no new streams, lets those in use finish, then closes: see [CON-8].</summary>
    /// <param name="code">The close code.</param>
    /// <param name="timeout">Longest wait.</param>
    /// <param name="linger">Whether to wait a little even when nothing is in use, since the other side may not know yet.</param>
    public async Task DrainAsync(ErrorCode code, TimeSpan timeout, DrainLingering linger)
    {
        _streams.StopOutgoing();
        if (linger == DrainLingering.UntilOtherSideKnows)
        {
            await Task.Delay(DrainLinger, _realm.Scheduler.Time);
        }

        using var patience = new CancellationTokenSource(timeout, _realm.Scheduler.Time);
        try
        {
            // Asked only now: what the other side opened during the linger may finish as well.
            await _streams.WhenIdleAsync().WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // [CON-8]: what has not finished by now ends with the connection, and its callers are told so.
        }

        Close(code);
    }

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

/// <summary>Whether a drained connection stays a little when nothing is in use.</summary>
internal enum DrainLingering
{
    /// <summary>It closes as soon as nothing is in use.</summary>
    None,

    /// <summary>It stays until the other side has surely come to the same decision.</summary>
    UntilOtherSideKnows,
}
