using System.Net;

namespace Macula.Transport.Tests.Conformance;

/// <summary>What the seam promises of datagrams and of packets that are not QUIC.</summary>
public abstract class DatagramConformance<TStage> : ConformanceTest<TStage>
    where TStage : ConformanceStage, new()
{
    [Fact]
    public Task DatagramsArriveWholeBothWays() => TestConnected(async pair =>
    {
        foreach (var (own, other) in pair.Sides)
        {
            Assert.True(own.MaxDatagramBytes >= 1_100);
            var largest = StreamReading.Pattern(own.MaxDatagramBytes);
            Assert.True(own.TrySendDatagram(largest));
            Assert.Equal(largest, (await other.ReceiveDatagramAsync())!.Value.ToArray());
            Assert.True(own.TrySendDatagram([7]));
            Assert.Equal([7], (await other.ReceiveDatagramAsync())!.Value.ToArray());
        }
    });

    [Fact]
    public Task EmptyOrOversizedDatagramIsRefused() => TestConnected(pair =>
    {
        Assert.Throws<ArgumentException>(() => pair.Dialler.TrySendDatagram([]));
        Assert.Throws<ArgumentException>(() => pair.Dialler.TrySendDatagram(new byte[pair.Dialler.MaxDatagramBytes + 5_000]));
        return Task.CompletedTask;
    });

    [Fact]
    public Task FullDatagramQueueSaysNo() => TestConnected(
        pair =>
        {
            // Far more than the queue holds, faster than anything is sent.
            var refused = Enumerable.Range(0, 20_000).Count(_ => !pair.Dialler.TrySendDatagram(new byte[1_000]));
            Assert.True(refused > 0);
            Assert.True(pair.Client.Counters.DatagramsDropped >= refused);
            return Task.CompletedTask;
        },
        client: new EndpointOptions { DatagramQueueLength = 4 });

    [Fact]
    public Task DatagramsThatNobodyTakesAreDroppedAndCounted() => TestConnected(
        async pair =>
        {
            for (var number = 0; number < 20; number++)
            {
                pair.Dialler.TrySendDatagram([(byte)number]);
                if (number % 10 == 9)
                {
                    await pair.Stage.SettleAsync();
                }
            }

            Assert.True(pair.Server.Counters.DatagramsDropped > 0);
            for (var number = 0; number < 4; number++)
            {
                Assert.NotNull(await pair.Acceptor.ReceiveDatagramAsync());
            }
        },
        server: new EndpointOptions { DatagramQueueLength = 4 });

    [Fact]
    public Task ReceiveThatIsGivenUpLosesNoDatagram() => TestConnected(async pair =>
    {
        using var cancellation = new CancellationTokenSource();
        var receiving = pair.Acceptor.ReceiveDatagramAsync(cancellation.Token).AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
        Assert.True(pair.Dialler.TrySendDatagram([9]));
        Assert.Equal([9], (await pair.Acceptor.ReceiveDatagramAsync())!.Value.ToArray());
    });

    [Fact]
    public Task RawPacketsGoBothWaysBesideConnections() => Test(async stage =>
    {
        TransportEndpoint? server = null;
        var answer = new TaskCompletionSource<(byte[] Packet, IPEndPoint Source)>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Echo(ReadOnlySpan<byte> packet, IPEndPoint source) => server!.TrySendRaw([0x3F, .. packet], source);
        void Take(ReadOnlySpan<byte> packet, IPEndPoint source) => answer.TrySetResult((packet.ToArray(), source));
        server = await stage.BindServerAsync(new EndpointOptions { RawPackets = Echo });
        await using var client = await stage.BindClientAsync(new EndpointOptions { RawPackets = Take });
        Assert.True(client.TrySendRaw([0x00, 1, 2], server.LocalEndPoint));
        var (echoed, from) = await answer.Task;
        Assert.Equal([0x3F, 0x00, 1, 2], echoed);
        Assert.Equal(server.LocalEndPoint, from);
        await server.DisposeAsync();
        Assert.False(server.TrySendRaw([0x00], client.LocalEndPoint));
    });

    [Fact]
    public Task RawPacketThatCouldBeQuicIsRefused() => Test(async stage =>
    {
        await using var endpoint = await stage.BindServerAsync();
        foreach (var first in new byte[] { 0x40, 0x80, 0xC0, 0xFF })
        {
            Assert.Throws<ArgumentException>(() => endpoint.TrySendRaw([first, 0], endpoint.LocalEndPoint));
        }

        Assert.Throws<ArgumentException>(() => endpoint.TrySendRaw([], endpoint.LocalEndPoint));
        Assert.Throws<ArgumentException>(() => endpoint.TrySendRaw(new byte[1_453], endpoint.LocalEndPoint));
    });

    [Fact]
    public Task RawPacketsThatNobodyTakesAreCounted() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync();
        Assert.True(client.TrySendRaw([0, 1], server.LocalEndPoint));
        await stage.SettleAsync();
        Assert.Equal(1, server.Counters.PacketsDropped);
    });
}
