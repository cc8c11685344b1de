using System.Net;
using System.Net.Sockets;
using Macula.Transport.Quic;
using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Quic;

/// <summary>docs/protocol/02-transport.md [TRN-13] to [TRN-16].</summary>
public sealed class CloseTests
{
    [Fact]
    public async Task CodeAndReasonArriveOnTheOtherSide()
    {
        await using var pair = await QuicPair.CreateAsync();
        foreach (var dialledCloses in new[] { true, false })
        {
            var (dialled, accepted) = await pair.ConnectAsync();
            var (closing, other) = dialledCloses ? (dialled, accepted) : (accepted, dialled);
            closing.Close((ulong)ErrorCode.NotPermitted, "no\u001b[31m entry");
            Assert.Equal(new ConnectionEnd(ConnectionEndOrigin.Remote, (ulong)ErrorCode.NotPermitted, "no [31m entry"), await other.WaitForEndAsync(pair.Token));
            var own = await closing.WaitForEndAsync(pair.Token);
            Assert.Equal((ConnectionEndOrigin.Local, (ulong)ErrorCode.NotPermitted), (own.Origin, own.Code));
        }
    }

    [Fact]
    public async Task LongReasonIsCutBetweenCharacters()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        dialled.Close(1, new string('é', 1_000));
        var end = await accepted.WaitForEndAsync(pair.Token);
        Assert.Equal(new string('é', TransportConnection.MaxCloseReasonBytes / 2), end.Reason);
    }

    [Fact]
    public async Task EverythingPendingEndsWithTheConnection()
    {
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { MaxIncomingStreams = 1 });
        var (dialled, accepted) = await pair.ConnectAsync();
        var stream = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        Task[] pending =
        [
            stream.ReadAsync(new byte[1], pair.Token).AsTask(),
            stream.WriteAsync(new byte[16 << 20], WriteEnd.KeepOpen, pair.Token).AsTask(),
            dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token).AsTask(),
        ];
        var streams = dialled.AcceptStreamAsync(pair.Token).AsTask();
        var datagrams = dialled.ReceiveDatagramAsync(pair.Token).AsTask();
        accepted.Close(49, "twice");
        foreach (var task in pending)
        {
            var closed = await Assert.ThrowsAsync<ConnectionClosedException>(() => task);
            Assert.Equal(new ConnectionEnd(ConnectionEndOrigin.Remote, 49, "twice"), closed.End);
        }

        Assert.Null(await streams);
        Assert.Null(await datagrams);
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token));
        Assert.False(dialled.TrySendDatagram(new byte[1]));
    }

    [Fact]
    public async Task KilledPeerIsNoticedByTheIdleTimeout()
    {
        var options = new EndpointOptions { IdleTimeout = TimeSpan.FromSeconds(1), KeepAliveInterval = TimeSpan.FromMilliseconds(300) };
        await using var pair = await QuicPair.CreateAsync(options, options);
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint);
        var (dialled, accepted) = await pair.ConnectAsync(path.ClientSide);
        path.UpwardIsCut = true;
        path.DownwardIsCut = true;
        Assert.Equal(ConnectionEndOrigin.Silence, (await dialled.WaitForEndAsync(pair.Token)).Origin);
        Assert.Equal(ConnectionEndOrigin.Silence, (await accepted.WaitForEndAsync(pair.Token)).Origin);
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await dialled.AcceptStreamAsync(pair.Token));
        Assert.Equal(0, pair.Client.Counters.ConnectionsOpen);
    }

    [Fact]
    public async Task KeepAliveHoldsASilentConnection()
    {
        var kept = new EndpointOptions { IdleTimeout = TimeSpan.FromSeconds(1), KeepAliveInterval = TimeSpan.FromMilliseconds(250) };
        await using var pair = await QuicPair.CreateAsync(kept, kept);
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint);
        var (dialled, accepted) = await pair.ConnectAsync(path.ClientSide);
        var ended = dialled.WaitForEndAsync(pair.Token).AsTask();

        // Two idle timeouts: each keep-alive is a packet and its acknowledgement, four a second.
        await Eventually.HoldsAsync(() => path.Passed >= 0, pair.Token);
        using var twoTimeouts = new CancellationTokenSource(2 * kept.IdleTimeout);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await accepted.WaitForEndAsync(twoTimeouts.Token));
        Assert.False(ended.IsCompleted);
        _ = accepted.EchoAsync(pair.Token);
        Assert.Equal(new byte[3], await dialled.AskAsync(new byte[3], pair.Token));
    }

    [Fact]
    public async Task ReturnedPeerSaysAtOnceThatItHasForgotten()
    {
        await using var pair = await QuicPair.CreateAsync();
        var key = StreamTransfers.Pattern(3, 32);
        var transport = new QuicTransport(new QuicTransportOptions { StatelessResetKey = key });
        var options = new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0) };
        var first = await transport.BindAsync(options, QuicPair.Scheduler, pair.Token);
        first.Serve(pair.ServerIdentity);
        await using var path = new UdpForwarder(first.LocalEndPoint);
        var dialled = await pair.Client.DialAsync(path.ClientSide, pair.ClientIdentity, pair.Token);
        _ = await first.AcceptConnectionAsync(pair.Token);

        // It dies without a word: what it says at its end takes a path that stays cut, and what its successor hears goes another way.
        path.DownwardIsCut = true;
        await first.DisposeAsync();
        await using var second = await transport.BindAsync(options with { LocalEndPoint = first.LocalEndPoint }, QuicPair.Scheduler, pair.Token);
        dialled.UseCarrier(new Carrier.Direct(second.LocalEndPoint));
        var stream = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        await stream.WriteAsync(new byte[100], WriteEnd.Finish, pair.Token);
        var end = await dialled.WaitForEndAsync(pair.Token);
        Assert.Equal(ConnectionEndOrigin.Silence, end.Origin);
        Assert.Contains("forgotten", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OtherEndpointOfTheNodeGivesNoResetTokenAway()
    {
        await using var pair = await QuicPair.CreateAsync();
        byte[] captured = [];
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint) { Upward = packet => captured = (packet[0] & 0x80) == 0 && packet.Length > 100 ? packet : captured };
        var (dialled, accepted) = await pair.ConnectAsync(path.ClientSide);
        _ = accepted.EchoAsync(pair.Token);
        Assert.Equal(new byte[500], await dialled.AskAsync(new byte[500], pair.Token));

        // RFC 9000 §21.11: another endpoint of the same transport is asked with the id of the first one's connection.
        using var attacker = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        attacker.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        attacker.SendTo(captured, pair.Client.LocalEndPoint);
        var buffer = new byte[1500];
        var length = await attacker.ReceiveAsync(buffer, pair.Token);
        attacker.SendTo(buffer.AsSpan(0, length), pair.Client.LocalEndPoint);
        Assert.Equal(new byte[500], await dialled.AskAsync(new byte[500], pair.Token));
    }

    [Fact]
    public async Task FailureInOneConnectionsWorkEndsNeitherTheLoopNorTheDisposal()
    {
        await using var pair = await QuicPair.CreateAsync();
        using var log = new FailingLog(eventId: 2003);
        var transport = new QuicTransport(new QuicTransportOptions { LoggerFactory = log });
        var client = await transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0) }, QuicPair.Scheduler, pair.Token);
        var doomed = await client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token);
        _ = await pair.Server.AcceptConnectionAsync(pair.Token);
        var other = await client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token);
        var accepted = await pair.Server.AcceptConnectionAsync(pair.Token);
        _ = accepted!.EchoAsync(pair.Token);
        log.Fails = true;
        doomed.Close(1, "");
        await Eventually.HoldsAsync(() => log.Failures > 0, pair.Token);
        Assert.Equal(new byte[3], await other.AskAsync(new byte[3], pair.Token));
        await client.DisposeAsync().AsTask().WaitAsync(pair.Token);
        Assert.Equal(2, log.Failures);
    }

    [Fact]
    public async Task ClosedEndpointTellsItsPeersAndFreesItsPort()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, _) = await pair.ConnectAsync();
        var accepting = pair.Server.AcceptConnectionAsync(pair.Token).AsTask();
        await pair.Server.DisposeAsync();
        var end = await dialled.WaitForEndAsync(pair.Token);
        Assert.Equal((ConnectionEndOrigin.Remote, (ulong)ErrorCode.ShuttingDown), (end.Origin, end.Code));
        Assert.Null(await accepting);
        Assert.Null(await pair.Server.AcceptConnectionAsync(pair.Token));
        await Assert.ThrowsAsync<DialException>(async () => await pair.Server.DialAsync(pair.Client.LocalEndPoint, pair.ServerIdentity, pair.Token));
        await using var again = await new QuicTransport().BindAsync(new EndpointOptions { LocalEndPoint = pair.Server.LocalEndPoint }, QuicPair.Scheduler, pair.Token);
    }
}
