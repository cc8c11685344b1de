namespace Macula.Transport.Tests.Conformance;

/// <summary>What <see cref="TransportStream"/> promises of bytes, ends and credit.</summary>
public abstract class StreamConformance<TStage> : ConformanceTest<TStage>
    where TStage : ConformanceStage, new()
{
    private static readonly EndpointOptions SmallWindows = new()
    {
        StreamReceiveWindowBytes = 16 * 1024,
        ConnectionReceiveWindowBytes = 16 * 1024,
        StreamSendBufferBytes = 16 * 1024,
    };

    [Theory]
    [InlineData(StreamDirection.Bidirectional)]
    [InlineData(StreamDirection.Unidirectional)]
    public Task EitherSideOpensAndTheOtherTakes(StreamDirection direction) => TestConnected(async pair =>
    {
        foreach (var (own, other) in pair.Sides)
        {
            var (opened, taken) = await ConnectedPair.OpenAsync(own, other, direction, "question"u8.ToArray(), WriteEnd.Finish);
            Assert.Equal(opened.Id, taken.Id);
            Assert.Equal("question"u8.ToArray(), await taken.ReadToEndAsync());
            Assert.True(opened.CanWrite);
            Assert.True(taken.CanRead);
            Assert.Equal(direction == StreamDirection.Bidirectional, opened.CanRead);
            Assert.Equal(direction == StreamDirection.Bidirectional, taken.CanWrite);
            if (direction == StreamDirection.Bidirectional)
            {
                await taken.WriteAsync("answer"u8.ToArray(), WriteEnd.Finish);
                Assert.Equal("answer"u8.ToArray(), await opened.ReadToEndAsync());
            }
        }
    });

    [Fact]
    public Task StreamIdentifiersSayWhoOpenedThemAndWhichWaysTheyGo() => TestConnected(async pair =>
    {
        // RFC 9000 §2.1.
        Assert.Equal(0, (await pair.Dialler.OpenStreamAsync(StreamDirection.Bidirectional)).Id & 3);
        Assert.Equal(1, (await pair.Acceptor.OpenStreamAsync(StreamDirection.Bidirectional)).Id & 3);
        Assert.Equal(2, (await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional)).Id & 3);
        Assert.Equal(3, (await pair.Acceptor.OpenStreamAsync(StreamDirection.Unidirectional)).Id & 3);
    });

    [Fact]
    public Task WrongEndOfAUnidirectionalStreamRefuses() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [1]);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await opened.ReadAsync(new byte[1]));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await taken.WriteAsync(new byte[1]));
    });

    [Fact]
    public Task BytesArriveInOrderHoweverTheyAreCut() => TestConnected(async pair =>
    {
        var sent = StreamReading.Pattern(300_000);
        var stream = await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
        var writing = WriteInPieces(stream, sent);
        var taken = await pair.Acceptor.AcceptStreamAsync();
        Assert.Equal(sent, await taken!.ReadToEndAsync());
        await writing;

        static async Task WriteInPieces(TransportStream stream, byte[] bytes)
        {
            var offset = 0;
            for (var piece = 1; offset < bytes.Length; piece = (piece * 7 % 5_003) + 1)
            {
                var length = Math.Min(piece, bytes.Length - offset);
                await stream.WriteAsync(bytes.AsMemory(offset, length), offset + length == bytes.Length ? WriteEnd.Finish : WriteEnd.KeepOpen);
                offset += length;
            }
        }
    });

    [Fact]
    public Task ManyStreamsAtOnceKeepTheirBytesApart() => TestConnected(async pair =>
    {
        const int Streams = 40;
        var echo = EchoAsync(pair.Acceptor, Streams);
        var calls = Enumerable.Range(0, Streams).Select(async number =>
        {
            var stream = await pair.Dialler.OpenStreamAsync(StreamDirection.Bidirectional);
            var question = Enumerable.Repeat((byte)number, 100 + (number * 37)).ToArray();
            await stream.WriteAsync(question, WriteEnd.Finish);
            Assert.Equal(question, await stream.ReadToEndAsync());
        });
        await Task.WhenAll(calls);
        await echo;

        static async Task EchoAsync(TransportConnection connection, int count)
        {
            var answers = new List<Task>();
            for (var number = 0; number < count; number++)
            {
                var stream = await connection.AcceptStreamAsync();
                answers.Add(AnswerAsync(stream!));
            }

            await Task.WhenAll(answers);
        }

        static async Task AnswerAsync(TransportStream stream) => await stream.WriteAsync(await stream.ReadToEndAsync(), WriteEnd.Finish);
    });

    [Fact]
    public Task EndAloneReachesTheReader() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [], WriteEnd.Finish);
        Assert.Equal(0, await taken.ReadAsync(new byte[10]));
        Assert.Equal(0, await taken.ReadAsync(new byte[10]));
        Assert.Null(await opened.WaitForWritesClosedAsync());
        Assert.True(opened.AnythingSent);
    });

    [Fact]
    public Task EndAfterBytesComesAfterThem() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Acceptor, pair.Dialler, StreamDirection.Unidirectional, [1, 2, 3]);
        await opened.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish);
        Assert.Equal([1, 2, 3], await taken.ReadToEndAsync());
    });

    [Fact]
    public Task NothingFollowsTheEnd() => TestConnected(async pair =>
    {
        var stream = await pair.Dialler.OpenStreamAsync(StreamDirection.Bidirectional);
        await stream.WriteAsync(new byte[1], WriteEnd.Finish);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await stream.WriteAsync(new byte[1]));
    });

    [Fact]
    public Task OneDirectionGoesOnAfterTheOtherEnded() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [1], WriteEnd.Finish);
        Assert.Equal([1], await taken.ReadToEndAsync());
        for (byte number = 0; number < 10; number++)
        {
            await taken.WriteAsync(new[] { number });
            Assert.Equal([number], await opened.ReadExactlyAsync(1));
        }

        await taken.WriteAsync(ReadOnlyMemory<byte>.Empty, WriteEnd.Finish);
        Assert.Empty(await opened.ReadToEndAsync());
    });

    [Fact]
    public Task NothingIsSentUntilThereIsCredit() => TestConnected(
        async pair =>
        {
            var (full, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, StreamReading.Pattern(16 * 1024));
            await pair.Stage.SettleAsync();
            var starved = await pair.Dialler.OpenStreamAsync(StreamDirection.Unidirectional);
            Assert.False(starved.AnythingSent);
            await starved.WriteAsync(new byte[100]);
            await pair.Stage.SettleAsync();
            Assert.False(starved.AnythingSent);
            await taken.ReadExactlyAsync(16 * 1024);
            var second = await pair.Acceptor.AcceptStreamAsync();
            Assert.Equal(100, (await second!.ReadExactlyAsync(100)).Length);
            Assert.True(starved.AnythingSent);
            Assert.True(full.AnythingSent);
        },
        server: SmallWindows);

    [Fact]
    public Task WriterWaitsForAReaderWhoDoesNotReadAndGoesOnWithHim() => TestConnected(
        async pair =>
        {
            var sent = StreamReading.Pattern(200_000);
            var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [.. sent.Take(1)]);
            var writing = opened.WriteAsync(sent.AsMemory(1), WriteEnd.Finish).AsTask();
            await pair.Stage.SettleAsync();
            Assert.False(writing.IsCompleted);
            Assert.Equal(sent, await taken.ReadToEndAsync());
            await writing;
        },
        server: SmallWindows,
        client: SmallWindows);

    [Fact]
    public Task WriteThatIsGivenUpSendsAPrefix() => TestConnected(
        async pair =>
        {
            var sent = StreamReading.Pattern(200_000);
            var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, [.. sent.Take(1)]);
            using var cancellation = new CancellationTokenSource();
            var writing = opened.WriteAsync(sent.AsMemory(1), WriteEnd.KeepOpen, cancellation.Token).AsTask();
            await pair.Stage.SettleAsync();
            cancellation.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
            Assert.Equal(sent.Take(20_000), await taken.ReadExactlyAsync(20_000));
            opened.Reset(9);
        },
        server: SmallWindows,
        client: SmallWindows);

    [Fact]
    public Task CancelledReadLosesNothing() => TestConnected(async pair =>
    {
        var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Bidirectional, [0]);
        await taken.ReadExactlyAsync(1);
        for (byte number = 1; number <= 20; number++)
        {
            using var cancellation = new CancellationTokenSource();
            var buffer = new byte[8];
            var reading = taken.ReadAsync(buffer, cancellation.Token).AsTask();
            await opened.WriteAsync(new[] { number });
            cancellation.Cancel();
            var early = 0;
            try
            {
                early = await reading;
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(0, early);
            }

            Assert.Equal([number], early == 0 ? await taken.ReadExactlyAsync(1) : buffer[..early]);
        }
    });

    [Fact]
    public Task StreamsOfAConnectionShareItsWindowWithoutLeakingIt() => TestConnected(
        async pair =>
        {
            // Each round abandons up to half a window in another way; a window that leaks is used up long before the end.
            for (var round = 0; round < 24; round++)
            {
                var (opened, taken) = await ConnectedPair.OpenAsync(pair.Dialler, pair.Acceptor, StreamDirection.Unidirectional, new byte[8_000]);
                switch (round % 3)
                {
                    case 0:
                        opened.Reset(1);
                        break;
                    case 1:
                        taken.StopReading(2);
                        break;
                    default:
                        await taken.DisposeAsync();
                        break;
                }

                await taken.DisposeAsync();
                await opened.DisposeAsync();
            }
        },
        server: SmallWindows);
}
