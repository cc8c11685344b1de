using System.Diagnostics.CodeAnalysis;
using Macula.Transport.Quic.Diagnostics;
using Macula.Transport.Quic.Loop;
using Macula.Transport.Quic.Native;
using Macula.Transport.Quic.Streams;
using Macula.Wire;
using Macula.Wire.Errors;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic.Connections;

/// <summary>A connection on the loop's thread: feeds packets to ngtcp2, lets it send, and ends it.</summary>
internal sealed unsafe class ConnectionCore : IPacketOwner
{
    private readonly EndpointServices _services;
    private readonly DialAttempt? _dial;
    private NativeConnection? _native;
    private bool _announced;
    private bool _resetByPeer;
    private List<(long StreamId, ulong Code)>? _stopped;

    private ConnectionCore(EndpointServices services, ConnectionRole role, in NativeAddress remote, DialAttempt? dial)
    {
        _services = services;
        _dial = dial;
        BirthLocal = services.Socket.LocalAddress;
        BirthRemote = remote;
        Destination = remote;
        Handshake = new Handshake(services.Identities);
        Connection = new QuicConnection(services, this, role, remote.ToEndPoint());
        Streams = new StreamTable(Connection);
    }

    /// <summary>What the application sees.</summary>
    public QuicConnection Connection { get; }

    /// <summary>The live streams.</summary>
    public StreamTable Streams { get; }

    /// <summary>What TLS has brought.</summary>
    public Handshake Handshake { get; }

    /// <summary>This side's end of the one path that ngtcp2 is ever shown.</summary>
    public NativeAddress BirthLocal { get; }

    /// <summary>The other side's end of that path.</summary>
    public NativeAddress BirthRemote { get; }

    /// <summary>Where packets really go.</summary>
    public NativeAddress Destination { get; set; }

    /// <summary>The ids under which packets reach this connection.</summary>
    public List<ulong> OwnIds { get; } = new(2);

    /// <summary>The id of the client's first packets; null on the dialling side.</summary>
    public ConnectionId? InitialId { get; set; }

    /// <summary>The tokens with which the other side may reset this connection.</summary>
    public List<ResetToken> ResetTokens { get; } = new(2);

    /// <summary>The deadline that counts in the timer heap.</summary>
    public ulong ArmedFor { get; set; } = TimerHeap.Never;

    /// <summary>Its place in the timer heap; -1 when it has none.</summary>
    public int HeapIndex { get; set; } = -1;

    /// <summary>Whether it stands in the list of those that may have something to send.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Whether it ended because its client is to prove its address and begin anew: its first packets came out of order.</summary>
    public bool WantsRetry { get; private set; }

    /// <summary>True once nothing native is left. ngtcp2 is never called again.</summary>
    [MemberNotNullWhen(false, nameof(_native))]
    public bool IsDead => _native is null;

    /// <summary>Dials. The attempt is told how it ends.</summary>
    public static ConnectionCore Dial(EndpointServices services, DialAttempt attempt, ulong now)
    {
        var core = new ConnectionCore(services, ConnectionRole.Dialler, attempt.Remote, attempt);
        core.Handshake.ServerName = attempt.Credentials.ServerName;
        core._native = NativeConnection.Dial(core, services, attempt.Credentials, now);
        services.Statistics.ConnectionsOpen++;
        core.Wake();
        return core;
    }

    /// <summary>Begins to accept what a client's first packet asks for.</summary>
    public static ConnectionCore Accept(EndpointServices services, PacketHeader* header, NativeCid* originalDestination, in NativeAddress remote, ulong now)
    {
        var core = new ConnectionCore(services, ConnectionRole.Acceptor, in remote, dial: null) { InitialId = ConnectionId.From(&header->Destination) };
        core._native = NativeConnection.Accept(core, services, header, originalDestination, now);
        services.Connections.EnterInitialId(core, core.InitialId.Value);
        services.Statistics.ConnectionsOpen++;
        services.HalfOpen++;
        return core;
    }

    /// <inheritdoc/>
    public void HandlePacket(byte* packet, int length, ulong now)
    {
        if (IsDead)
        {
            return;
        }

        // The birth path, wherever the packet came from: QUIC sees no other address, so none can divert the connection.
        var local = BirthLocal;
        var remote = BirthRemote;
        var path = NativeConnection.PathBetween(&local, &remote);
        var mark = default(PacketMark);
        ConnectionCallbacks.Reading = this;
        var result = Ngtcp2.ReadPacket(_native.Handle, &path, Ngtcp2.PacketMarkVersion, &mark, packet, (nuint)length, now);
        if (result != 0)
        {
            Fail(result, now);
            return;
        }

        if (_stopped is not null)
        {
            _stopped.ForEach(stop => Streams.HandleStopSending(stop.StreamId, stop.Code));
            _stopped = null;
        }

        if (Handshake.IsCompleted && !_announced)
        {
            Announce(now);
        }

        Wake();
    }

    /// <summary>Lets ngtcp2 act on a deadline that has come.</summary>
    public void HandleExpiry(ulong now)
    {
        if (IsDead)
        {
            return;
        }

        if (Ngtcp2.GetExpiry(_native.Handle) <= now)
        {
            var result = Ngtcp2.HandleExpiry(_native.Handle, now);
            if (result != 0)
            {
                Fail(result, now);
                return;
            }
        }

        Wake();
    }

    /// <summary>Has the connection looked at in this turn of the loop.</summary>
    public void Wake() => _services.Dirty.Add(this);

    /// <summary>Sends what may be sent now, and arms the timer.</summary>
    public void Flush(ConnectionWriter writer, ulong now)
    {
        if (IsDead)
        {
            return;
        }

        var result = writer.Flush(this, _native.Handle, now);
        if (result != 0)
        {
            Fail(result, now);
            return;
        }

        _services.Timers.Arm(this, Ngtcp2.GetExpiry(_native.Handle));
        PublishMeasures();
    }

    /// <summary>Enters a stream that this side opened.</summary>
    public void RegisterStream(QuicStream stream)
    {
        if (IsDead)
        {
            stream.Fail(Connection.EndOrDefault);
            return;
        }

        long id;
        var result = stream.Direction == StreamDirection.Bidirectional
            ? Ngtcp2.OpenBidiStream(_native.Handle, &id, 0)
            : Ngtcp2.OpenUniStream(_native.Handle, &id, 0);
        Invariant.Hold(result == 0 && id == stream.Id, "streams are opened in the order of their numbers, within the other side's limit.");
        Streams.Add(stream);
    }

    /// <summary>Does what the application asked for on a stream.</summary>
    public void HandleStreamRequest(QuicStream stream)
    {
        var request = stream.TakeRequest();
        if (IsDead)
        {
            stream.Fail(Connection.EndOrDefault);
            stream.Send?.Free();
            return;
        }

        if (request.ResetCode is { } resetCode)
        {
            _ = Ngtcp2.ResetStream(_native.Handle, 0, stream.Id, resetCode);
        }

        if (request.StopCode is { } stopCode)
        {
            _ = Ngtcp2.StopStream(_native.Handle, 0, stream.Id, stopCode);
        }

        if (request.ConsumedBytes > 0)
        {
            _ = Ngtcp2.ExtendStreamCredit(_native.Handle, stream.Id, (ulong)request.ConsumedBytes);
        }

        if (request.HasData && stream.Send is not null)
        {
            Streams.QueueToSend(stream);
        }

        Wake();
    }

    /// <summary>Tells the other side what it may send again.</summary>
    public void HandleCredit()
    {
        var credit = Connection.Credit.Take();
        if (IsDead)
        {
            return;
        }

        Ngtcp2.ExtendConnectionCredit(_native.Handle, (ulong)credit.Bytes);
        Ngtcp2.ExtendBidiStreams(_native.Handle, (nuint)credit.BidiStreams);
        Ngtcp2.ExtendUniStreams(_native.Handle, (nuint)credit.UniStreams);
        Wake();
    }

    /// <summary>Closes with the application's code.</summary>
    public void Close(ulong code, ReadOnlySpan<byte> reason)
    {
        if (IsDead)
        {
            return;
        }

        var now = _services.Clock.Read();
        Span<byte> packet = stackalloc byte[ConnectionProfile.MaxPacketBytes];
        var length = ClosePacket.WriteApplication(_native.Handle, code, reason, packet, now);
        FinishWith(packet[..length], new ConnectionEnd(ConnectionEndOrigin.Local, code, CloseReason.Decode(reason)), now);
    }

    /// <summary>Gives a dial up that nobody waits for any more.</summary>
    public void Abandon() => Close((ulong)ErrorCode.Cancelled, default);

    /// <summary>Ends the connection after work for it has failed.</summary>
    public void EndAfterFailure() => Close((ulong)ErrorCode.InternalError, default);

    // ---- What ngtcp2 reports while it reads or writes a packet. The library must not be re-entered. ----

    public void HandleStatelessReset() => _resetByPeer = true;

    public void HandleResetToken(in ResetToken token, ResetTokenState state) => _services.Connections.EnterResetToken(this, in token, state);

    public void HandleStopSending(long streamId, ulong code) => (_stopped ??= []).Add((streamId, code));

    public void ChooseId(NativeCid* cid, byte* resetToken)
    {
        _services.Connections.ChooseId(this, cid);
        _services.Replies.ResetTokenFor(cid, resetToken);
    }

    public void RetireId(NativeCid* cid) => _services.Connections.RetireId(this, cid, _services.Clock.Latest);

    /// <summary>Shows the certificate of a server name; false when it is not served here.</summary>
    public bool TryServe(string serverName)
    {
        if (Handshake.Choose(serverName) is not { } credentials)
        {
            return false;
        }

        _native!.Use(credentials);
        return true;
    }

    public void NoteCallbackFailure(Exception exception) => _services.Logger.CallbackFailed(exception, BirthRemote.ToEndPoint());

    // ---- Up, and down again ----

    private void Announce(ulong now)
    {
        _announced = true;
        _services.Statistics.HandshakesCompleted++;
        if (_services.Logger.IsEnabled(LogLevel.Debug))
        {
            _services.Logger.HandshakeCompleted(BirthRemote.ToEndPoint(), Connection.Role, Handshake.ServerName);
        }

        PublishMeasures();
        Connection.AllowStreams(StreamDirection.Bidirectional, Ngtcp2.GetBidiStreamsLeft(_native!.Handle));
        Connection.AllowStreams(StreamDirection.Unidirectional, Ngtcp2.GetUniStreamsLeft(_native.Handle));
        if (_dial is not null)
        {
            if (!_dial.TrySucceed(Connection))
            {
                Abandon();
            }

            return;
        }

        _services.HalfOpen--;
        if (!_services.Accepted.TryAdd(Connection))
        {
            Refuse(Refusal.AcceptBacklog, $"{_services.Options.AcceptBacklog} connections wait to be taken", now);
            _services.Statistics.ConnectionsRefused++;
            Close((ulong)ErrorCode.LimitExceeded, "too many connections wait to be accepted"u8);
        }
    }

    private void Fail(int error, ulong now)
    {
        switch (error)
        {
            case Ngtcp2Error.Draining:
                Finish(_resetByPeer ? ConnectionEnds.Forgotten : ClosePacket.Read(_native!.Handle), default, now);
                break;
            case Ngtcp2Error.IdleClose:
                Finish(ConnectionEnds.Idle, default, now);
                break;
            case Ngtcp2Error.HandshakeTimeout:
                Handshake.Refuse(Refusal.HandshakeTimeout, ConnectionEnds.HandshakeTimeout.Reason);
                Finish(ConnectionEnds.HandshakeTimeout, default, now);
                break;
            case Ngtcp2Error.DropConnection or Ngtcp2Error.Retry:
                // Nothing was agreed: the ids stay free, so that the client's next packet is looked at anew.
                WantsRetry = error == Ngtcp2Error.Retry;
                _services.Connections.Forget(this);
                Finish(ConnectionEnds.NoHandshake, default, now);
                break;
            case Ngtcp2Error.ReceiveVersionNegotiation:
                Finish(ConnectionEnds.NoSharedVersion, default, now);
                break;
            default:
                Handshake.Refuse(_announced ? Refusal.ProtocolViolation : Refusal.HandshakeFailed, Ngtcp2Error.Describe(error));
                Span<byte> packet = stackalloc byte[ConnectionProfile.MaxPacketBytes];
                var length = ClosePacket.WriteError(_native!.Handle, error, packet, now, out var code);
                FinishWith(packet[..length], ConnectionEnds.Transport(code, ""), now);
                break;
        }
    }

    private void FinishWith(ReadOnlySpan<byte> closePacket, ConnectionEnd end, ulong now)
    {
        if (closePacket.Length > 0)
        {
            _services.Batch.SendAlone(closePacket, Destination);
        }

        Finish(end, closePacket, now);
    }

    private void Finish(ConnectionEnd end, ReadOnlySpan<byte> closePacket, ulong now)
    {
        // Counted before anybody is told: whoever learns of the end finds it in the counters.
        _services.Statistics.ConnectionsOpen--;
        end = Connection.TryEnd(end);
        if (!_announced)
        {
            _services.Statistics.HandshakesFailed++;
            _services.HalfOpen -= _dial is null ? 1 : 0;
            _dial?.Fail(end);
        }

        if (Handshake.Refused is { } refusal && _dial is null)
        {
            Refuse(refusal.Kind, refusal.Detail, now);
        }

        _services.Connections.Bury(this, closePacket, now);
        _services.Timers.Remove(this);
        _native!.Dispose();
        _native = null;
        Streams.FailAll(end);
        Connection.Outbox.Clear();
        if (_services.Logger.IsEnabled(LogLevel.Debug))
        {
            _services.Logger.ConnectionEnded(BirthRemote.ToEndPoint(), end.Origin, end.Code, end.Reason);
        }
    }

    private void Refuse(Refusal kind, string detail, ulong now) => _services.Refusals.Note(kind, BirthRemote, detail, now);

    private void PublishMeasures() => _native!.PublishMeasures(Connection);
}
