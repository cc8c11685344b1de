using System.Net;
using System.Text;
using Macula.Testing.Network;
using Macula.Testing.VirtualTime;
using Macula.Transport.Tests.Conformance;
using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Network;

/// <summary>What the simulated network does to packets, and what connections make of it.</summary>
public sealed class SimulatedFaultTests
{
    private const string ServerName = "mesh.macula";
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(20);
    private static readonly Link Steady = new() { Latency = Latency, Jitter = TimeSpan.Zero };
    private readonly VirtualWorld _world = new(seed: 8);
    private readonly SimulatedNetwork _network;
    private readonly SimulatedHost _a;
    private readonly SimulatedHost _b;

    public SimulatedFaultTests()
    {
        _network = new SimulatedNetwork(_world, new SimulatedNetworkOptions { DefaultLink = Steady });
        _a = _network.AddHost(IPAddress.Parse("10.0.0.1"));
        _b = _network.AddHost(IPAddress.Parse("10.0.0.2"));
    }

    [Fact]
    public void DialCostsARoundTripAndAMessageHalfOfOne() => Run(async () =>
    {
        var started = _world.Elapsed;
        var (dialler, acceptor) = await ConnectAsync();
        Assert.Equal(2 * Latency, dialler.RoundTripTime);
        Assert.Equal(started + (3 * Latency), _world.Elapsed);
        var before = _world.Elapsed;
        var (_, taken) = await ConnectedPair.OpenAsync(dialler, acceptor, StreamDirection.Bidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        Assert.Equal(before + Latency, _world.Elapsed);
    });

    [Fact]
    public void SlowHostLooksAtWhatArrivesLater() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        _b.ProcessingDelay = TimeSpan.FromSeconds(3);
        var before = _world.Elapsed;
        var (_, taken) = await ConnectedPair.OpenAsync(dialler, acceptor, StreamDirection.Unidirectional, [1], WriteEnd.Finish);
        await taken.ReadToEndAsync();
        Assert.True(_world.Elapsed - before >= Latency + TimeSpan.FromSeconds(3));
    });

    [Fact]
    public void LostStreamBytesArriveAProbeTimeoutLater() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        var (opened, taken) = await ConnectedPair.OpenAsync(dialler, acceptor, StreamDirection.Unidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);

        // Cut for less than a probe timeout, which is more than the round trip and the 25 ms that acknowledgements may take.
        var before = _world.Elapsed;
        _network.Cut(_a, _b);
        await opened.WriteAsync(new byte[] { 2 });
        await Task.Delay(TimeSpan.FromMilliseconds(10), _world.Time);
        _network.Heal();
        await taken.ReadExactlyAsync(1);
        var cost = _world.Elapsed - before - Latency;
        Assert.InRange(cost, (2 * Latency) + TimeSpan.FromMilliseconds(25), TimeSpan.FromMilliseconds(200));

        // Twice in vain costs three of them: the wait doubles.
        await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        before = _world.Elapsed;
        _network.Cut(_a, _b);
        await opened.WriteAsync(new byte[] { 3 });
        await Task.Delay(cost + TimeSpan.FromMilliseconds(10), _world.Time);
        _network.Heal();
        await taken.ReadExactlyAsync(1);
        Assert.InRange((_world.Elapsed - before - Latency) / cost, 2.4, 3.6);
    });

    [Fact]
    public void LossSlowsStreamsDownAndLosesNothingOfThem() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        var clean = await TransferAsync(dialler, acceptor);
        _network.SetLink(_a, _b, Steady with { Loss = 0.2 });
        var lossy = await TransferAsync(dialler, acceptor);
        Assert.True(lossy > clean + TimeSpan.FromMilliseconds(60), $"{lossy} is not slower than {clean}.");
    });

    [Fact]
    public void LossDropsDatagramsInItsProportion() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        _network.SetLink(_a, _b, Steady with { Loss = 0.3 }, LinkWays.FirstToSecond);
        var arrived = 0;
        _ = CountAsync();
        for (var number = 0; number < 1_000; number++)
        {
            Assert.True(dialler.TrySendDatagram([1]));
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
        }

        await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        Assert.InRange(arrived, 640, 760);

        async Task CountAsync()
        {
            while (await acceptor.ReceiveDatagramAsync() is not null)
            {
                arrived++;
            }
        }
    });

    [Fact]
    public void DatagramsOvertakeEachOtherWhereTheLinkReorders() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        _network.SetLink(_a, _b, Steady with { Reordering = 0.2 });
        var order = new List<byte>();
        for (byte number = 0; number < 50; number++)
        {
            dialler.TrySendDatagram([number]);
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
        }

        for (var number = 0; number < 50; number++)
        {
            order.Add((await acceptor.ReceiveDatagramAsync())!.Value.Span[0]);
        }

        Assert.NotEqual(order.Order(), order);
        Assert.Equal(order.Order(), Enumerable.Range(0, 50).Select(number => (byte)number));
    });

    [Fact]
    public void StreamsBeginWithAnotherByteWhereTheLinkCorrupts() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        _network.SetLink(_a, _b, Steady with { Corruption = 1 }, LinkWays.FirstToSecond);
        var (opened, taken) = await ConnectedPair.OpenAsync(dialler, acceptor, StreamDirection.Bidirectional, [1]);
        await opened.WriteAsync(new byte[] { 2, 3 }, WriteEnd.Finish);
        var there = await taken.ReadToEndAsync();
        await taken.WriteAsync(new byte[] { 4 }, WriteEnd.Finish);

        Assert.NotEqual(1, there[0]);
        Assert.Equal([2, 3], there[1..]);
        Assert.Equal([4], await opened.ReadToEndAsync());
        Assert.Equal(1, _network.StreamsCorrupted);
    });

    [Fact]
    public void DialFailsWhenEveryAttemptOfItIsLost() => Run(async () =>
    {
        _network.SetLink(_a, _b, Steady with { Loss = 1 }, LinkWays.FirstToSecond);
        var (client, server) = await BindAsync();
        var before = _world.Elapsed;
        var failed = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, Identity(_a)));
        Assert.Equal(ErrorCode.Unreachable, failed.Code);
        Assert.Equal(before + TimeSpan.FromSeconds(10), _world.Elapsed);
        Assert.Equal(1, client.Counters.HandshakesFailed);
        Assert.Equal(0, server.Counters.PacketsReceived);
    });

    [Fact]
    public void DialWhoseFirstPacketIsLostSucceedsAProbeTimeoutLater() => Run(async () =>
    {
        var (client, server) = await BindAsync();
        _network.Cut(_a, _b);
        var before = _world.Elapsed;
        var dial = client.DialAsync(server.LocalEndPoint, Identity(_a)).AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(100), _world.Time);
        _network.Heal();
        await dial;

        // RFC 9002 §6.2.2: three initial round trips of 333 ms.
        Assert.Equal(before + TimeSpan.FromMilliseconds(999) + (2 * Latency), _world.Elapsed);
    });

    [Fact]
    public void PartitionEndsConnectionsInSilenceOnBothSidesAfterTheIdleTimeout() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        await Task.Delay(TimeSpan.FromMinutes(30), _world.Time);
        var cut = _world.Elapsed;
        _network.Partition([_a], [_b]);
        Assert.Equal(ConnectionEndOrigin.Silence, (await dialler.WaitForEndAsync()).Origin);
        Assert.Equal(ConnectionEndOrigin.Silence, (await acceptor.WaitForEndAsync()).Origin);

        // The last keep-alive got through at most its interval before the cut.
        Assert.InRange(_world.Elapsed - cut, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(45));
    });

    [Fact]
    public void ConnectionOutlivesAPartitionShorterThanTheIdleTimeout() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        var (opened, taken) = await ConnectedPair.OpenAsync(dialler, acceptor, StreamDirection.Unidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        _network.Partition([_a], [_b]);
        await opened.WriteAsync(new byte[] { 2 }, WriteEnd.Finish);
        await Task.Delay(TimeSpan.FromSeconds(25), _world.Time);
        _network.Heal();
        Assert.Equal([2], await taken.ReadToEndAsync());
        await Task.Delay(TimeSpan.FromHours(2), _world.Time);
        dialler.Close(1, "");
        Assert.Equal(ConnectionEndOrigin.Remote, (await acceptor.WaitForEndAsync()).Origin);
    });

    [Fact]
    public void CutOfOneWayEndsTheSideThatHearsNothingAndThenTheOther() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        var cut = _world.Elapsed;
        _network.Cut(_a, _b, LinkWays.FirstToSecond);
        Assert.Equal(ConnectionEndOrigin.Silence, (await acceptor.WaitForEndAsync()).Origin);
        Assert.InRange(_world.Elapsed - cut, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(45));
        Assert.Equal(ConnectionEndOrigin.Silence, (await dialler.WaitForEndAsync()).Origin);
        Assert.InRange(_world.Elapsed - cut, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(91));
    });

    [Fact]
    public void HostsInNoGroupOfAPartitionReachEverybody() => Run(async () =>
    {
        var c = _network.AddHost(IPAddress.Parse("10.0.0.3"));
        _network.Partition([_a], [_b]);
        var (_, server) = await BindAsync();
        var third = await c.Transport.BindAsync(new EndpointOptions(), c.Scheduler);
        Assert.NotNull(await third.DialAsync(server.LocalEndPoint, Identity(c)));
        Assert.Throws<ArgumentException>(() => _network.Partition([_a], [_a, _b]));
    });

    [Fact]
    public void CrashedHostFallsSilent() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        var crash = _world.Elapsed;
        _b.Crash();
        Assert.Equal(ConnectionEndOrigin.Local, (await acceptor.WaitForEndAsync()).Origin);
        Assert.Equal(ConnectionEndOrigin.Silence, (await dialler.WaitForEndAsync()).Origin);
        Assert.InRange(_world.Elapsed - crash, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(45));
    });

    [Fact]
    public void HostThatIsBackAnswersForTheConnectionItForgot() => Run(async () =>
    {
        var (client, server) = await BindAsync();
        var (dialler, _) = await ConnectAsync(client, server);
        var stream = await dialler.OpenStreamAsync(StreamDirection.Bidirectional);
        _b.Crash();
        Assert.False(_b.IsUp);
        await Assert.ThrowsAsync<BindException>(async () => await _b.Transport.BindAsync(new EndpointOptions(), _b.Scheduler));
        await Task.Delay(TimeSpan.FromSeconds(2), _world.Time);
        _b.Restart();
        var again = await _b.Transport.BindAsync(new EndpointOptions { LocalEndPoint = server.LocalEndPoint }, _b.Scheduler);
        again.Serve(Identity(_b));
        var back = _world.Elapsed;
        await stream.WriteAsync(new byte[] { 1 });
        var end = await dialler.WaitForEndAsync();
        Assert.Equal(ConnectionEndOrigin.Silence, end.Origin);
        Assert.Equal(back + (2 * Latency), _world.Elapsed);
        Assert.NotNull(await client.DialAsync(again.LocalEndPoint, Identity(_a)));
    });

    [Fact]
    public void QuietConnectionToAHostThatIsBackEndsWithTheNextKeepAlive() => Run(async () =>
    {
        var (client, server) = await BindAsync();
        var (dialler, _) = await ConnectAsync(client, server);
        _b.Crash();
        _b.Restart();
        await _b.Transport.BindAsync(new EndpointOptions { LocalEndPoint = server.LocalEndPoint }, _b.Scheduler);
        var back = _world.Elapsed;
        Assert.Equal(ConnectionEndOrigin.Silence, (await dialler.WaitForEndAsync()).Origin);
        Assert.InRange(_world.Elapsed - back, TimeSpan.Zero, TimeSpan.FromSeconds(16));
    });

    [Fact]
    public void CrashStopsTheCodeOfTheHost() => Run(async () =>
    {
        var ticks = 0;
        var crashed = _b.Scheduler;
        var timer = crashed.Time.CreateTimer(_ => ticks++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        await Task.Delay(TimeSpan.FromSeconds(2.5), _world.Time);
        _b.Crash();
        _b.Restart();
        await Task.Delay(TimeSpan.FromSeconds(5), _world.Time);
        Assert.Equal(2, ticks);
        Assert.NotSame(crashed, _b.Scheduler);
        await timer.DisposeAsync();
    });

    [Fact]
    public void CloseThatIsLostIsRepeatedWhenTheOtherSideSends() => Run(async () =>
    {
        var (dialler, acceptor) = await ConnectAsync();
        var stream = await acceptor.OpenStreamAsync(StreamDirection.Unidirectional);
        _network.Cut(_a, _b);
        dialler.Close(42, "unheard");
        await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
        _network.Heal();
        await stream.WriteAsync(new byte[] { 1 });
        var end = await acceptor.WaitForEndAsync();
        Assert.Equal(new ConnectionEnd(ConnectionEndOrigin.Remote, 42, "unheard"), end);
    });

    [Fact]
    public void DiallerWithoutACertificateIsRefused() => Run(async () =>
    {
        var (client, server) = await BindAsync();
        var dialler = await client.DialAsync(server.LocalEndPoint, new TlsIdentity(ServerName, [], Array.Empty<byte>()));
        Assert.Equal(ConnectionEndOrigin.Transport, (await dialler.WaitForEndAsync()).Origin);
        Assert.Equal(0, server.Counters.ConnectionsOpen);
    });

    [Fact]
    public void KeyThatDoesNotBelongToItsCertificateIsRefusedWhereThatIsChecked()
    {
        var world = new VirtualWorld(seed: 1);
        var options = new SimulatedNetworkOptions { KeyMatchesCertificate = identity => !identity.PrivateKeyPkcs8.IsEmpty };
        var host = new SimulatedNetwork(world, options).AddHost(IPAddress.Parse("10.0.0.1"));
        world.Run(
            async () =>
            {
                var endpoint = await host.Transport.BindAsync(new EndpointOptions(), host.Scheduler);
                var stolen = Identity(host) with { PrivateKeyPkcs8 = default };
                endpoint.Serve(Identity(host));
                Assert.Throws<ArgumentException>(() => endpoint.Serve(stolen));
                await Assert.ThrowsAsync<ArgumentException>(async () => await endpoint.DialAsync(endpoint.LocalEndPoint, stolen));
            },
            TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void HostsAreDistinctAndBindOnlyTheirOwnAddresses() => Run(async () =>
    {
        Assert.Throws<ArgumentException>(() => _network.AddHost(_a.Address));
        Assert.Throws<ArgumentException>(() => _network.AddHost(IPAddress.Loopback));
        var elsewhere = new EndpointOptions { LocalEndPoint = new IPEndPoint(_b.Address, 0) };
        await Assert.ThrowsAsync<BindException>(async () => await _a.Transport.BindAsync(elsewhere, _a.Scheduler));
        var inside = await _a.Transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 0) }, _a.Scheduler);
        inside.Serve(Identity(_a));
        var (client, server) = await BindAsync();
        Assert.NotNull(await client.DialAsync(inside.LocalEndPoint, Identity(_a)));
        await Assert.ThrowsAsync<DialException>(async () => await server.DialAsync(new IPEndPoint(_a.Address, inside.LocalEndPoint.Port), Identity(_b)));
        var foreign = new VirtualWorld(seed: 1).Scheduler;
        await Assert.ThrowsAsync<ArgumentException>(async () => await _a.Transport.BindAsync(new EndpointOptions(), foreign));
    });

    private static TlsIdentity Identity(SimulatedHost host) => new(ServerName, [Encoding.UTF8.GetBytes(host.Address.ToString())], new byte[] { 1 });

    private void Run(Func<ValueTask> body) => _world.Run(body, TimeSpan.FromHours(24));

    private async Task<TimeSpan> TransferAsync(TransportConnection from, TransportConnection to)
    {
        var sent = StreamReading.Pattern(500_000);
        var before = _world.Elapsed;
        var (_, taken) = await ConnectedPair.OpenAsync(from, to, StreamDirection.Unidirectional, sent, WriteEnd.Finish);
        Assert.Equal(sent, await taken.ReadToEndAsync());
        return _world.Elapsed - before;
    }

    private async Task<(TransportEndpoint Client, TransportEndpoint Server)> BindAsync()
    {
        var client = await _a.Transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(_a.Address, 0) }, _world.Scheduler);
        var server = await _b.Transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(_b.Address, 0) }, _world.Scheduler);
        server.Serve(Identity(_b));
        return (client, server);
    }

    private async Task<(TransportConnection Dialler, TransportConnection Acceptor)> ConnectAsync()
    {
        var (client, server) = await BindAsync();
        return await ConnectAsync(client, server);
    }

    private async Task<(TransportConnection Dialler, TransportConnection Acceptor)> ConnectAsync(TransportEndpoint client, TransportEndpoint server)
    {
        var dialler = await client.DialAsync(server.LocalEndPoint, Identity(_a));
        var acceptor = await server.AcceptConnectionAsync();
        Assert.NotNull(acceptor);
        return (dialler, acceptor);
    }
}
