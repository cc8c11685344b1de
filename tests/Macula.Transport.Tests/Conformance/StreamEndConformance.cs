using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Conformance;

/// <summary>What <see cref="TransportStream"/> promises of resets, stops and letting go, and <see cref="TransportConnection"/> of how many streams there are.</summary>
public abstract class StreamEndConformance<TStage> : ConformanceTest<TStage>
    where TStage : ConformanceStage, new()
{
    [Fact]
    public Task ResetReachesTheReaderWithItsCode() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        var reading = taken.ReadAsync(new byte[1]).AsTask();
        opened.Reset((ulong)ErrorCode.DeadlineExceeded);
        var aborted = await Assert.ThrowsAsync<StreamAbortedException>(() => reading);
        Assert.Equal((ulong)ErrorCode.DeadlineExceeded, aborted.StreamCode);
        Assert.Equal(ErrorCode.DeadlineExceeded, aborted.Code);
        await Assert.ThrowsAsync<StreamAbortedException>(async () => await taken.ReadAsync(new byte[1]));
    });

    [Fact]
    public Task CodeBeyondTheWireIsRefused() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        const ulong TooLarge = TransportConnection.MaxCode + 1;
        Assert.Throws<ArgumentOutOfRangeException>(() => opened.Reset(TooLarge));
        Assert.Throws<ArgumentOutOfRangeException>(() => opened.StopReading(TooLarge));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Dialler.Close(TooLarge, ""));
        await taken.ReadExactlyAsync(1);
        opened.Reset(TransportConnection.MaxCode);
        var aborted = await Assert.ThrowsAsync<StreamAbortedException>(async () => await taken.ReadAsync(new byte[1]));
        Assert.Equal(TransportConnection.MaxCode, aborted.StreamCode);
    });

    [Fact]
    public Task OneCallerAtATimeWaitsForTheEndOfWriting() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        using var cancellation = new CancellationTokenSource();
        var first = opened.WaitForWritesClosedAsync(cancellation.Token).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await opened.WaitForWritesClosedAsync());
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var second = opened.WaitForWritesClosedAsync().AsTask();
        taken.StopReading(5);
        Assert.Equal(5UL, await second);
    });

    [Fact]
    public Task ResetEndsOneDirectionOnly() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        opened.Reset(7);
        await taken.WriteAsync("still here"u8.ToArray(), WriteEnd.Finish);
        Assert.Equal("still here"u8.ToArray(), await opened.ReadToEndAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await opened.WriteAsync(new byte[1]));
        Assert.Null(await opened.WaitForWritesClosedAsync());
    });

    [Fact]
    public Task StopReachesTheWriterWithItsCode() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        taken.StopReading(77);
        Assert.Equal(77UL, await opened.WaitForWritesClosedAsync());
        var aborted = await Assert.ThrowsAsync<StreamAbortedException>(async () => await opened.WriteAsync(new byte[1]));
        Assert.Equal(77UL, aborted.StreamCode);
        await taken.WriteAsync(new byte[] { 5 }, WriteEnd.Finish);
        Assert.Equal([5], await opened.ReadToEndAsync());
    });

    [Fact]
    public Task StopEndsAWriteThatWaits() => TestConnected(
        async pair =>
        {
            var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [1]);
            var writing = opened.WriteAsync(new byte[3_000_000]).AsTask();
            await pair.Stage.SettleAsync();
            taken.StopReading(12);
            var aborted = await Assert.ThrowsAsync<StreamAbortedException>(() => writing);
            Assert.Equal(12UL, aborted.StreamCode);
        },
        server: new EndpointOptions { StreamReceiveWindowBytes = 16 * 1024, ConnectionReceiveWindowBytes = 64 * 1024 });

    [Fact]
    public Task StopAfterTheEndWasReadDoesNothing() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [1], WriteEnd.Finish);
        Assert.Equal([1], await taken.ReadToEndAsync());
        taken.StopReading(3);
        Assert.Null(await opened.WaitForWritesClosedAsync());
    });

    [Fact]
    public Task WritesAreClosedWhenTheEndIsAcknowledged() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        var closed = opened.WaitForWritesClosedAsync().AsTask();
        await pair.Stage.SettleAsync();
        Assert.False(closed.IsCompleted);
        await opened.WriteAsync(new byte[] { 2 }, WriteEnd.Finish);
        Assert.Null(await closed);
        Assert.Equal([1, 2], await taken.ReadToEndAsync());
    });

    [Fact]
    public Task WaitForWritesClosedCanBeGivenUp() => TestConnected(async pair =>
    {
        var stream = await pair.Dialler.OpenStreamAsync(StreamDirection.Bidirectional);
        using var cancellation = new CancellationTokenSource();
        var closed = stream.WaitForWritesClosedAsync(cancellation.Token).AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => closed);
    });

    [Fact]
    public Task LettingGoResetsAndStopsWithCancelled() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1]);
        await taken.ReadExactlyAsync(1);
        var stopped = taken.WaitForWritesClosedAsync().AsTask();
        await opened.DisposeAsync();
        await opened.DisposeAsync();
        var reset = await Assert.ThrowsAsync<StreamAbortedException>(async () => await taken.ReadToEndAsync());
        Assert.Equal(ErrorCode.Cancelled, reset.Code);
        Assert.Equal((ulong)ErrorCode.Cancelled, await stopped);
    });

    [Fact]
    public Task LettingGoOfAFinishedStreamLosesNothing() => TestConnected(async pair =>
    {
        var sent = StreamReading.Pattern(50_000);
        var stream = await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
        await stream.WriteAsync(sent, WriteEnd.Finish);
        await stream.DisposeAsync();
        var taken = await pair.Acceptor.AcceptStreamAsync();
        Assert.Equal(sent, await taken!.ReadToEndAsync());
    });

    [Fact]
    public Task OpenWaitsUntilTheOtherSideAllowsMore() => TestConnected(
        async pair =>
        {
            var (first, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1], WriteEnd.Finish);
            await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [2]);
            var third = pair.Dialler.OpenStreamAsync(StreamDirection.Bidirectional).AsTask();
            await pair.Stage.SettleAsync();
            Assert.False(third.IsCompleted);

            // The other direction has a limit of its own.
            await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
            Assert.Equal([1], await taken.ReadToEndAsync());
            await taken.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish);
            Assert.Empty(await first.ReadToEndAsync());
            Assert.NotNull(await third);
        },
        server: new EndpointOptions { MaxIncomingStreams = 2 });

    [Fact]
    public Task OpenThatIsGivenUpLeaksNoStream() => TestConnected(
        async pair =>
        {
            var (first, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [1]);
            for (var attempt = 0; attempt < 50; attempt++)
            {
                using var cancellation = new CancellationTokenSource();
                var waiting = pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional, cancellation.Token).AsTask();
                cancellation.Cancel();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            }

            await first.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish);
            Assert.Equal([1], await taken.ReadToEndAsync());
            var (_, next) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [2], WriteEnd.Finish);
            Assert.Equal([2], await next.ReadToEndAsync());
        },
        server: new EndpointOptions { MaxIncomingStreams = 1 });

    [Fact]
    public Task StreamCreditNeverRunsOut() => TestConnected(
        async pair =>
        {
            for (var round = 0; round < 40; round++)
            {
                var direction = round % 2 == 0 ? StreamDirection.Bidirectional : StreamDirection.Unidirectional;
                var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, direction, [1]);
                if (round % 5 == 0)
                {
                    opened.Reset(1);
                }

                await taken.DisposeAsync();
                await opened.DisposeAsync();
            }
        },
        server: new EndpointOptions { MaxIncomingStreams = 2 });

    [Fact]
    public Task StreamsComeInTheOrderOfTheirFirstArrival() => TestConnected(async pair =>
    {
        var early = await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
        var late = await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
        await late.WriteAsync(new byte[] { 2 });
        Assert.Equal(late.Id, (await pair.Acceptor.AcceptStreamAsync())!.Id);
        await early.WriteAsync(new byte[] { 1 });
        Assert.Equal(early.Id, (await pair.Acceptor.AcceptStreamAsync())!.Id);
    });
}
