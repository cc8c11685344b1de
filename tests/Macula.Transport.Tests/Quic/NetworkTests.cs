using System.Net;
using System.Net.Sockets;

namespace Macula.Transport.Tests.Quic;

/// <summary>docs/protocol/02-transport.md [TRN-6] to [TRN-8], [TRN-17], [TRN-18].</summary>
public sealed class NetworkTests
{
    [Fact]
    public async Task StreamsSurviveFivePercentLoss()
    {
        await using var pair = await QuicPair.CreateAsync();
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint, seed: 5) { Loss = 0.05 };
        var (dialled, accepted) = await pair.ConnectAsync(path.ClientSide);
        _ = accepted.EchoAsync(pair.Token);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async seed =>
            Assert.True(StreamTransfers.Same(StreamTransfers.Pattern(seed, 50_000), await dialled.AskAsync(StreamTransfers.Pattern(seed, 50_000), pair.Token)))));
    }

    [Fact]
    public async Task MovingToAnotherCarrierUnderLoadLosesNothing()
    {
        await using var pair = await QuicPair.CreateAsync();
        await using var one = new UdpForwarder(pair.Server.LocalEndPoint);
        await using var two = new UdpForwarder(pair.Server.LocalEndPoint);
        two.Upward = _ => { };
        var (dialled, accepted) = await pair.ConnectAsync(one.ClientSide);
        var stream = await dialled.OpenStreamAsync(StreamDirection.Unidirectional, pair.Token);
        var sent = StreamTransfers.Pattern(11, 20 << 20);
        var writing = stream.WriteAsync(sent, WriteEnd.Finish, pair.Token).AsTask();
        var reading = (await accepted.AcceptStreamAsync(pair.Token))!.ReadToEndAsync(pair.Token);
        var moves = 0;
        while (!writing.IsCompleted)
        {
            var carrier = moves++ % 2 == 0 ? two : one;
            var passed = carrier.Passed;

            // The second path learns its client from the first packet that comes up; so the dialling side moves first.
            dialled.UseCarrier(new Carrier.Direct(carrier.ClientSide));
            await Eventually.HoldsAsync(() => carrier.Passed > passed || writing.IsCompleted, pair.Token);
            accepted.UseCarrier(new Carrier.Direct(carrier.ServerSide));
        }

        Assert.True(StreamTransfers.Same(sent, await reading));
        Assert.True(moves > 2, $"{moves} moves");
        Assert.True(two.Passed > 0);
        Assert.Equal(one.ServerSide, accepted.BirthRemoteEndPoint);
        await writing;
    }

    [Fact]
    public async Task PacketsFromElsewhereDivertNothing()
    {
        await using var pair = await QuicPair.CreateAsync();
        using var thief = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint);
        thief.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var (dialled, accepted) = await pair.ConnectAsync(path.ClientSide);
        _ = accepted.EchoAsync(pair.Token);

        // Each packet reaches the server twice: first from the thief, with the right connection id, then from where it should.
        path.Upward = packet => thief.SendTo(packet, pair.Server.LocalEndPoint);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(StreamTransfers.Pattern(i, 3_000), await dialled.AskAsync(StreamTransfers.Pattern(i, 3_000), pair.Token));
        }

        Assert.Equal(0, thief.Available);
        Assert.Equal(new Carrier.Direct(path.ServerSide), accepted.Carrier);
    }

    [Fact]
    public async Task FloodOfGarbageDisturbsNoOtherConnection()
    {
        await using var pair = await QuicPair.CreateAsync();
        var captured = new List<byte[]>();
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint) { Upward = captured.Add };
        var (dialled, accepted) = await pair.ConnectAsync(path.ClientSide);
        _ = accepted.EchoAsync(pair.Token);
        path.Upward = null;
        using var attacker = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        attacker.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var dice = new Random(13);
        for (var i = 0; i < 20_000; i++)
        {
            attacker.SendTo(Garbage(dice, captured), pair.Server.LocalEndPoint);
            if (i % 500 == 0)
            {
                Assert.Equal(new byte[200], await dialled.AskAsync(new byte[200], pair.Token));
            }
        }

        await pair.ConnectAsync();
        Assert.True(pair.Server.Counters.PacketsDropped > 1_000, $"{pair.Server.Counters}");
    }

    // 0x1a2a3a4a is reserved (RFC 9000 §15); 0x6b3343cf is version 2 (RFC 9369), which the library speaks and we do not.
    [Theory]
    [InlineData(0x1a2a3a4a)]
    [InlineData(0x6b3343cf)]
    public async Task ClientOfAnotherVersionIsToldOurs(int version)
    {
        await using var pair = await QuicPair.CreateAsync();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        // Long header, two ids of eight bytes.
        byte[] head = [0xC0, (byte)(version >> 24), (byte)(version >> 16), (byte)(version >> 8), (byte)version, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9];
        client.SendTo(head, pair.Server.LocalEndPoint);
        client.SendTo([.. head, .. new byte[1200 - head.Length]], pair.Server.LocalEndPoint);
        var buffer = new byte[1500];
        var answer = await client.ReceiveAsync(buffer, pair.Token);
        Assert.Equal(0U, BitConverter.ToUInt32(buffer, 1));
        Assert.Equal([9, 9, 9, 9, 9, 9, 9, 9], buffer[6..14]);
        Assert.Equal([0, 0, 0, 1], buffer[(answer - 4)..answer]);

        // The answer may be here before the loop that sent it has counted it.
        while (pair.Server.Counters.PacketsSent == 0)
        {
            pair.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Equal(1, pair.Server.Counters.PacketsSent);
    }

    [Fact]
    public async Task RawPacketsGoBothWaysBesideQuic()
    {
        var arrived = new TaskCompletionSource<(byte[] Packet, IPEndPoint Source)>();
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { RawPackets = (packet, source) => arrived.TrySetResult((packet.ToArray(), source)) });
        byte[] probe = [0x00, 0x01, 2, 3];
        Assert.True(pair.Client.TrySendRaw(probe, pair.Server.LocalEndPoint));
        var (received, from) = await arrived.Task.WaitAsync(pair.Token);
        Assert.Equal(probe, received);
        Assert.Equal(pair.Client.LocalEndPoint, from);
        Assert.Throws<ArgumentException>(() => pair.Client.TrySendRaw([0x40], pair.Server.LocalEndPoint));
        await pair.ConnectAsync();
    }

    [Fact]
    public async Task DatagramsArriveWholeAndFullQueuesDropThem()
    {
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { DatagramQueueLength = 4 });
        var (dialled, accepted) = await pair.ConnectAsync();
        Assert.InRange(dialled.MaxDatagramBytes, 1_100, 1_400);
        var largest = StreamTransfers.Pattern(1, dialled.MaxDatagramBytes);
        Assert.True(dialled.TrySendDatagram(largest));
        Assert.Equal(largest, (await accepted.ReceiveDatagramAsync(pair.Token))!.Value.ToArray());
        Assert.Throws<ArgumentException>(() => dialled.TrySendDatagram(new byte[1_400]));

        for (var i = 0; i < 50; i++)
        {
            dialled.TrySendDatagram(new byte[10]);
        }

        await Eventually.HoldsAsync(() => pair.Server.Counters.DatagramsDropped > 0, pair.Token);
    }

    private static byte[] Garbage(Random dice, List<byte[]> captured)
    {
        switch (dice.Next(4))
        {
            case 0:
                // Anything, of any length that UDP carries on loopback.
                var any = new byte[dice.Next(20) == 0 ? dice.Next(60_000) : dice.Next(1_500)];
                dice.NextBytes(any);
                return any;
            case 1:
                // A real packet with one byte changed.
                var changed = (byte[])captured[dice.Next(captured.Count)].Clone();
                changed[dice.Next(changed.Length)] ^= (byte)(1 + dice.Next(255));
                return changed;
            case 2:
                // A real packet cut short.
                var whole = captured[dice.Next(captured.Count)];
                return whole[..dice.Next(1, whole.Length)];
            default:
                // A first packet with another id, so that it begins a handshake that comes to nothing.
                var first = (byte[])captured[0].Clone();
                dice.NextBytes(first.AsSpan(6, 16));
                return first;
        }
    }
}
