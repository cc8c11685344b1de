using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Quic;

/// <summary>docs/protocol/02-transport.md [TRN-9] to [TRN-11].</summary>
public sealed class StreamTests
{
    [Fact]
    public async Task TwoHundredStreamsAtOnceKeepTheirBytesApart()
    {
        const int Streams = 200;
        const int Bytes = 100_000;
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        _ = accepted.EchoAsync(pair.Token);
        var asking = Enumerable.Range(0, Streams).Select(async seed =>
            Assert.True(StreamTransfers.Same(StreamTransfers.Pattern(seed, Bytes), await dialled.AskAsync(StreamTransfers.Pattern(seed, Bytes), pair.Token))));
        await Task.WhenAll(asking);
    }

    [Fact]
    public async Task BothSidesOpenStreamsOfBothKinds()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        foreach (var (from, to) in new[] { (dialled, accepted), (accepted, dialled) })
        {
            var sending = await from.OpenStreamAsync(StreamDirection.Unidirectional, pair.Token);
            Assert.False(sending.CanRead);
            await sending.WriteAsync("one way"u8.ToArray(), WriteEnd.Finish, pair.Token);
            var receiving = await to.AcceptStreamAsync(pair.Token);
            Assert.False(receiving!.CanWrite);
            Assert.Equal("one way"u8.ToArray(), await receiving.ReadToEndAsync(pair.Token));
            _ = to.EchoAsync(pair.Token);
            Assert.Equal("both ways"u8.ToArray(), await from.AskAsync("both ways"u8.ToArray(), pair.Token));
        }
    }

    [Fact]
    public async Task WriterStopsNearItsLimitsWhileTheReaderSleeps()
    {
        var options = new EndpointOptions { StreamReceiveWindowBytes = 64 << 10, ConnectionReceiveWindowBytes = 1 << 20, StreamSendBufferBytes = 64 << 10 };
        await using var pair = await QuicPair.CreateAsync(options, options);
        var (dialled, accepted) = await pair.ConnectAsync();
        var stream = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        var written = 0;
        var total = StreamTransfers.Pattern(7, 1 << 20);
        var writing = Task.Run(async () =>
        {
            while (written < total.Length)
            {
                await stream.WriteAsync(total.AsMemory(written, 4096), written + 4096 == total.Length ? WriteEnd.Finish : WriteEnd.KeepOpen, pair.Token);
                Interlocked.Add(ref written, 4096);
            }
        }, pair.Token);
        var incoming = await accepted.AcceptStreamAsync(pair.Token);

        // It stands still when buffer and window are full: what it has written no longer grows.
        var before = -1;
        await Eventually.HoldsAsync(
            () =>
            {
                var now = Volatile.Read(ref written);
                var still = now == before && now >= options.StreamReceiveWindowBytes;
                before = now;
                return still;
            },
            pair.Token);
        Assert.InRange(Volatile.Read(ref written), options.StreamReceiveWindowBytes, options.StreamReceiveWindowBytes + options.StreamSendBufferBytes);
        Assert.False(writing.IsCompleted);
        Assert.Equal(total, await incoming!.ReadToEndAsync(pair.Token));
        await writing;
    }

    [Fact]
    public async Task OpeningWaitsForTheOtherSidesLimitAndCanBeCancelled()
    {
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { MaxIncomingStreams = 2 });
        var (dialled, accepted) = await pair.ConnectAsync();
        var first = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        _ = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        using var impatient = new CancellationTokenSource();
        var cancelled = dialled.OpenStreamAsync(StreamDirection.Bidirectional, impatient.Token).AsTask();
        var waiting = dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        await first.WriteAsync("x"u8.ToArray(), WriteEnd.Finish, pair.Token);
        var incoming = await accepted.AcceptStreamAsync(pair.Token);
        await incoming!.ReadToEndAsync(pair.Token);
        Assert.False(waiting.IsCompleted);
        await incoming!.WriteAsync(default, WriteEnd.Finish, pair.Token);
        Assert.Equal(8, (await waiting).Id);
    }

    [Fact]
    public async Task ManyMoreStreamsThanTheLimitComeAndGo()
    {
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { MaxIncomingStreams = 8 });
        var (dialled, accepted) = await pair.ConnectAsync();
        _ = accepted.EchoAsync(pair.Token);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(async seed =>
            Assert.Equal(StreamTransfers.Pattern(seed, 64), await dialled.AskAsync(StreamTransfers.Pattern(seed, 64), pair.Token))));
    }

    [Fact]
    public async Task ResetAndStopCarryTheirCodes()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        var stream = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        await stream.WriteAsync("x"u8.ToArray(), WriteEnd.KeepOpen, pair.Token);
        var incoming = (await accepted.AcceptStreamAsync(pair.Token))!;
        Assert.Equal(1, await incoming.ReadAsync(new byte[10], pair.Token));

        var reading = incoming.ReadAsync(new byte[10], pair.Token).AsTask();
        stream.Reset(60);
        Assert.Equal(60UL, (await Assert.ThrowsAsync<StreamAbortedException>(() => reading)).StreamCode);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await stream.WriteAsync("y"u8.ToArray(), WriteEnd.KeepOpen, pair.Token));

        stream.StopReading(61);
        var aborted = await Assert.ThrowsAsync<StreamAbortedException>(() => WriteUntilAbortedAsync(incoming, pair.Token));
        Assert.Equal(61UL, aborted.StreamCode);
    }

    [Fact]
    public async Task WriterThatWaitsForCreditLearnsThatNobodyReads()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        var stream = await dialled.OpenStreamAsync(StreamDirection.Unidirectional, pair.Token);
        var writing = stream.WriteAsync(new byte[8 << 20], WriteEnd.Finish, pair.Token).AsTask();
        var incoming = (await accepted.AcceptStreamAsync(pair.Token))!;
        incoming.StopReading(62);
        Assert.Equal(62UL, (await Assert.ThrowsAsync<StreamAbortedException>(() => writing)).StreamCode);
    }

    [Fact]
    public async Task StreamsThatAreDroppedUnreadGiveTheirCreditBack()
    {
        var options = new EndpointOptions { StreamReceiveWindowBytes = 64 << 10, ConnectionReceiveWindowBytes = 64 << 10, MaxIncomingStreams = 4 };
        await using var pair = await QuicPair.CreateAsync(options);
        var (dialled, accepted) = await pair.ConnectAsync();
        for (var i = 0; i < 40; i++)
        {
            var stream = await dialled.OpenStreamAsync(StreamDirection.Unidirectional, pair.Token);
            await stream.WriteAsync(new byte[32 << 10], WriteEnd.Finish, pair.Token);
            await (await accepted.AcceptStreamAsync(pair.Token))!.DisposeAsync();
        }
    }

    [Fact]
    public async Task NothingIsSentBeforeSomethingIsWritten()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        var silent = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        var spoken = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        await spoken.WriteAsync("x"u8.ToArray(), WriteEnd.Finish, pair.Token);
        await accepted.AcceptStreamAsync(pair.Token);
        Assert.True(spoken.AnythingSent);
        silent.Reset((ulong)ErrorCode.Cancelled);
        Assert.False(silent.AnythingSent);
    }

    [Fact]
    public async Task CancelledReadLosesNothing()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        var stream = await dialled.OpenStreamAsync(StreamDirection.Bidirectional, pair.Token);
        await stream.WriteAsync("a"u8.ToArray(), WriteEnd.KeepOpen, pair.Token);
        var incoming = (await accepted.AcceptStreamAsync(pair.Token))!;
        var buffer = new byte[10];
        Assert.Equal(1, await incoming.ReadAsync(buffer, pair.Token));
        using var impatient = new CancellationTokenSource();
        var reading = incoming.ReadAsync(buffer, impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await stream.WriteAsync("b"u8.ToArray(), WriteEnd.Finish, pair.Token);
        Assert.Equal("b"u8.ToArray(), await incoming.ReadToEndAsync(pair.Token));
    }

    private static async Task WriteUntilAbortedAsync(TransportStream stream, CancellationToken cancellationToken)
    {
        while (true)
        {
            await stream.WriteAsync(new byte[1000], WriteEnd.KeepOpen, cancellationToken);
        }
    }
}
