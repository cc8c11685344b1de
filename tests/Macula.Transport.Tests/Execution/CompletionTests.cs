using Macula.Transport.Execution;

namespace Macula.Transport.Tests.Execution;

public sealed class CompletionTests
{
    private readonly ThreadPoolScheduler _scheduler = new(TimeProvider.System);

    [Fact]
    public async Task FirstOutcomeCounts()
    {
        var completion = new Completion<int>(_scheduler);
        Assert.False(completion.IsCompleted);
        Assert.True(completion.TrySetResult(1));
        Assert.False(completion.TrySetResult(2));
        Assert.False(completion.TrySetException(new FormatException()));
        Assert.True(completion.IsCompleted);
        Assert.Equal(1, await completion.Task);
    }

    [Fact]
    public async Task ExceptionComesThroughAndCancellationIsCancellation()
    {
        var failed = new Completion<int>(_scheduler);
        failed.TrySetException(new FormatException("mine"));
        Assert.Equal("mine", (await Assert.ThrowsAsync<FormatException>(async () => await failed.Task)).Message);
        var cancelled = new Completion<int>(_scheduler);
        cancelled.TrySetException(new OperationCanceledException());
        var task = cancelled.Task.AsTask();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        Assert.True(task.IsCanceled);
    }

    [Fact]
    public async Task TokenEndsItUnlessSomethingElseDidBefore()
    {
        using var cancellation = new CancellationTokenSource();
        var pending = new Completion<int>(_scheduler).CancelledBy(cancellation.Token);
        var done = new Completion<int>(_scheduler).CancelledBy(cancellation.Token);
        done.TrySetResult(4);
        cancellation.Cancel();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pending.Task);
        Assert.Equal(cancellation.Token, thrown.CancellationToken);
        Assert.Equal(4, await done.Task);
        var late = new Completion<int>(_scheduler).CancelledBy(cancellation.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await late.Task);
    }

    [Fact]
    public void CompletionIsAwaitedOnce()
    {
        var completion = new Completion<int>(_scheduler);
        completion.Task.GetAwaiter().UnsafeOnCompleted(() => { });
        Assert.Throws<InvalidOperationException>(() => completion.Task.GetAwaiter().UnsafeOnCompleted(() => { }));
    }

    [Fact]
    public async Task RaceBetweenSettingAndAwaitingLosesNoOutcome()
    {
        for (var round = 0; round < 20_000; round++)
        {
            var completion = new Completion<int>(_scheduler);
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.Completion.TrySetResult(state.Round), (Completion: completion, Round: round), preferLocal: false);
            Assert.Equal(round, await completion.Task);
        }
    }
}
