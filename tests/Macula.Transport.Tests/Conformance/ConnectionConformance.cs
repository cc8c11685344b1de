using System.Text;

namespace Macula.Transport.Tests.Conformance;

/// <summary>What <see cref="TransportConnection"/> promises of its end, its carrier, and where its callers resume.</summary>
public abstract class ConnectionConformance<TStage> : ConformanceTest<TStage>
    where TStage : ConformanceStage, new()
{
    [Fact]
    public Task WhatArrivedBeforeTheOtherSideClosedStaysReadable() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1, 2, 3]);
        await opened.WriteAsync(new byte[] { 4 }, WriteEnd.Finish);
        Assert.Null(await opened.WaitForWritesClosedAsync());

        pair.Dialler.Close(7, "");
        await pair.Acceptor.WaitForEndAsync();

        Assert.Equal([1, 2, 3, 4], await taken.ReadToEndAsync());
    });

    [Fact]
    public Task CloseCodeAndReasonReachBothSides() => TestConnected(async pair =>
    {
        pair.Dialler.Close(4242, "had enough");
        Assert.Equal(new ConnectionEnd(ConnectionEndOrigin.Remote, 4242, "had enough"), await pair.Acceptor.WaitForEndAsync());
        Assert.Equal(new ConnectionEnd(ConnectionEndOrigin.Local, 4242, "had enough"), await pair.Dialler.WaitForEndAsync());
    });

    [Fact]
    public Task LaterClosesDoNothing() => TestConnected(async pair =>
    {
        pair.Acceptor.Close(1, "first");
        pair.Acceptor.Close(2, "second");
        await pair.Acceptor.DisposeAsync();
        Assert.Equal(1UL, (await pair.Dialler.WaitForEndAsync()).Code);
        Assert.Equal(1UL, (await pair.Acceptor.WaitForEndAsync()).Code);
        pair.Dialler.Close(3, "late");
        Assert.Equal(ConnectionEndOrigin.Remote, (await pair.Dialler.WaitForEndAsync()).Origin);
    });

    [Fact]
    public Task LongReasonIsCutBetweenCharacters() => TestConnected(async pair =>
    {
        pair.Dialler.Close(1, string.Concat(Enumerable.Repeat("äh", 200)));
        var end = await pair.Acceptor.WaitForEndAsync();
        Assert.InRange(Encoding.UTF8.GetByteCount(end.Reason), TransportConnection.MaxCloseReasonBytes - 3, TransportConnection.MaxCloseReasonBytes);
        Assert.DoesNotContain('\uFFFD', end.Reason);
        Assert.StartsWith("ähäh", end.Reason, StringComparison.Ordinal);
    });

    [Fact]
    public Task ReasonIsFreedOfControlCharacters() => TestConnected(async pair =>
    {
        pair.Dialler.Close(1, "two\r\nlines\u001b[31m");
        var end = await pair.Acceptor.WaitForEndAsync();
        Assert.DoesNotContain(end.Reason, char.IsControl);
    });

    [Fact]
    public Task DisposeClosesWithCodeZero() => TestConnected(async pair =>
    {
        await pair.Dialler.DisposeAsync();
        await pair.Dialler.DisposeAsync();
        var end = await pair.Acceptor.WaitForEndAsync();
        Assert.Equal((ConnectionEndOrigin.Remote, 0UL), (end.Origin, end.Code));
    });

    [Fact]
    public Task EverythingPendingEndsWithTheConnection() => TestConnected(
        async pair =>
        {
            var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
            await taken.ReadExactlyAsync(1);
            Task[] pending =
            [
                opened.ReadAsync(new byte[1]).AsTask(),
                opened.WriteAsync(new byte[3_000_000]).AsTask(),
                opened.WaitForWritesClosedAsync().AsTask(),
                taken.WaitForWritesClosedAsync().AsTask(),
                pair.Dialler.OpenStreamAsync(StreamDirection.Bidirectional).AsTask(),
            ];
            var accepts = new[] { pair.Dialler.AcceptStreamAsync().AsTask(), pair.Acceptor.AcceptStreamAsync().AsTask() };
            var datagrams = new[] { pair.Dialler.ReceiveDatagramAsync().AsTask(), pair.Acceptor.ReceiveDatagramAsync().AsTask() };
            await pair.Stage.SettleAsync();
            pair.Acceptor.Close(5, "over");
            foreach (var operation in pending)
            {
                var closed = await Assert.ThrowsAsync<ConnectionClosedException>(() => operation);
                Assert.Equal(5UL, closed.End.Code);
            }

            Assert.All(await Task.WhenAll(accepts), Assert.Null);
            Assert.All(await Task.WhenAll(datagrams), datagram => Assert.Null(datagram));
        },
        server: new EndpointOptions { MaxIncomingStreams = 1, StreamReceiveWindowBytes = 16 * 1024, ConnectionReceiveWindowBytes = 64 * 1024 });

    [Fact]
    public Task OperationsAfterTheEndFail() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        pair.Dialler.Close(5, "over");
        await pair.Acceptor.WaitForEndAsync();
        await pair.Stage.SettleAsync();
        foreach (var (connection, stream) in new[] { (pair.Dialler, opened), (pair.Acceptor, taken) })
        {
            await Assert.ThrowsAsync<ConnectionClosedException>(async () => await connection.OpenStreamAsync(StreamDirection.Bidirectional));
            await Assert.ThrowsAsync<ConnectionClosedException>(async () => await stream.ReadAsync(new byte[1]));
            await Assert.ThrowsAsync<ConnectionClosedException>(async () => await stream.WriteAsync(new byte[1]));
            Assert.Null(await connection.AcceptStreamAsync());
            Assert.Null(await connection.ReceiveDatagramAsync());
            Assert.False(connection.TrySendDatagram(new byte[1]));
            stream.Reset(1);
            stream.StopReading(1);
            await stream.DisposeAsync();
        }
    });

    [Fact]
    public Task EndCanBeAwaitedByManyAndGivenUpByEach() => TestConnected(async pair =>
    {
        using var cancellation = new CancellationTokenSource();
        var given = pair.Acceptor.WaitForEndAsync(cancellation.Token).AsTask();
        var first = pair.Acceptor.WaitForEndAsync().AsTask();
        var second = pair.Acceptor.WaitForEndAsync().AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        pair.Dialler.Close(6, "");
        Assert.Equal(6UL, (await first).Code);
        Assert.Equal(6UL, (await second).Code);
        Assert.Equal(6UL, (await pair.Acceptor.WaitForEndAsync()).Code);
    });

    [Fact]
    public Task ConnectionThatHearsNothingEndsInSilence() => TestConnected(
        async pair =>
        {
            var end = await pair.Dialler.WaitForEndAsync();
            Assert.Equal((ConnectionEndOrigin.Silence, 0UL), (end.Origin, end.Code));
            await Assert.ThrowsAsync<ConnectionClosedException>(async () => await pair.Dialler.AcceptStreamAsync());
        },
        server: new EndpointOptions { IdleTimeout = TimeSpan.FromSeconds(1), KeepAliveInterval = TimeSpan.FromMinutes(5) },
        client: new EndpointOptions { KeepAliveInterval = TimeSpan.FromMinutes(5) });

    [Fact]
    public Task KeepAliveKeepsAQuietConnection() => TestConnected(
        async pair =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2.5), pair.Stage.Scheduler.Time);
            var (_, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [1], WriteEnd.Finish);
            Assert.Equal([1], await taken.ReadToEndAsync());
        },
        server: new EndpointOptions { IdleTimeout = TimeSpan.FromSeconds(1), KeepAliveInterval = TimeSpan.FromMilliseconds(250) });

    [Fact]
    public Task RoundTripTimeIsMeasured() => TestConnected(async pair =>
    {
        var (_, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        await taken.WriteAsync(new byte[] { 1 });
        await pair.Stage.SettleAsync();
        Assert.True(pair.Dialler.RoundTripTime > TimeSpan.Zero);
        Assert.True(pair.Acceptor.RoundTripTime > TimeSpan.Zero);
    });

    [Fact]
    public Task ChangeOfCarrierIsNotNoticedByStreams() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [0]);
        await taken.ReadExactlyAsync(1);
        await using var elsewhere = await pair.Stage.BindServerAsync();

        // Nobody there has the connection: what goes there is lost, and the streams wait.
        pair.Dialler.UseCarrier(new Carrier.Direct(elsewhere.LocalEndPoint));
        Assert.Equal(new Carrier.Direct(elsewhere.LocalEndPoint), pair.Dialler.Carrier);
        Assert.Equal(pair.Server.LocalEndPoint, pair.Dialler.BirthRemoteEndPoint);
        await opened.WriteAsync("through"u8.ToArray());
        var reading = taken.ReadExactlyAsync(7);
        await pair.Stage.SettleAsync();
        Assert.False(reading.IsCompleted);

        pair.Dialler.UseCarrier(new Carrier.Direct(pair.Server.LocalEndPoint));
        Assert.Equal("through"u8.ToArray(), await reading);
        await taken.WriteAsync("back"u8.ToArray());
        Assert.Equal("back"u8.ToArray(), await opened.ReadExactlyAsync(4));
    });

    [Fact]
    public Task CallersResumeOnTheirOwnQueue() => TestConnected(async pair =>
    {
        var queue = SynchronizationContext.Current;
        Assert.NotNull(queue);
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        Assert.Same(queue, SynchronizationContext.Current);
        var reading = taken.ReadAsync(new byte[1]);
        await opened.WriteAsync(new byte[1], WriteEnd.Finish);
        await reading;
        Assert.Same(queue, SynchronizationContext.Current);
        await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
        pair.Dialler.Close(0, "");
        await pair.Acceptor.WaitForEndAsync();
        Assert.Same(queue, SynchronizationContext.Current);
        pair.Stage.AssertApplicationThread();
    });

    [Fact]
    public Task CallersWithoutAContextNeverRunOnTheTransportsThread() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        var resumed = new TaskCompletionSource<Exception?>();
        var queue = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        var reading = taken.ReadAsync(new byte[1]).GetAwaiter();
        Assert.False(reading.IsCompleted);
        reading.UnsafeOnCompleted(() => resumed.SetResult(Record.Exception(pair.Stage.AssertApplicationThread)));
        SynchronizationContext.SetSynchronizationContext(queue);
        await opened.WriteAsync(new byte[1]);
        Assert.Null(await resumed.Task);
    });
}
