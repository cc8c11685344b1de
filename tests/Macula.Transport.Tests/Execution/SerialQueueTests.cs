using Macula.Transport.Execution;

namespace Macula.Transport.Tests.Execution;

/// <summary><see cref="SerialQueue"/> and <see cref="Completion{T}"/> on the threads of production.</summary>
public sealed class SerialQueueTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly ThreadPoolScheduler _scheduler = new(TimeProvider.System);

    [Fact]
    public async Task HundredThousandPostsFromFourThreadsKeepEachThreadsOrderOneAtATime()
    {
        const int Threads = 4;
        const int PostsPerThread = 25_000;
        var queue = _scheduler.CreateQueue();
        var next = new int[Threads];
        var inside = 0;
        var faults = 0;
        var left = Threads * PostsPerThread;
        var done = new Completion<bool>(_scheduler);
        var posters = Enumerable.Range(0, Threads).Select(poster => new Thread(() =>
        {
            for (var number = 0; number < PostsPerThread; number++)
            {
                queue.Post(Take, (poster, number));
            }
        })).ToArray();
        Array.ForEach(posters, thread => thread.Start());
        Array.ForEach(posters, thread => thread.Join());
        await done.Task.AsTask().WaitAsync(Deadline);
        Assert.Equal(0, faults);
        Assert.All(next, count => Assert.Equal(PostsPerThread, count));

        void Take(object? state)
        {
            var (poster, number) = ((int, int))state!;
            if (Interlocked.Increment(ref inside) != 1 || next[poster] != number || !queue.IsCurrent)
            {
                Interlocked.Increment(ref faults);
            }

            next[poster] = number + 1;
            Interlocked.Decrement(ref inside);
            if (--left == 0)
            {
                done.TrySetResult(true);
            }
        }
    }

    [Fact]
    public async Task AwaitsComeBackToTheQueueAndNeverOverlap()
    {
        var queue = _scheduler.CreateQueue();
        var inside = 0;
        var overlaps = 0;
        var steps = 0;
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => queue.RunAsync(WorkAsync).AsTask())).WaitAsync(Deadline);
        Assert.Equal(0, overlaps);
        Assert.Equal(50 * 40, steps);

        async ValueTask WorkAsync()
        {
            for (var step = 0; step < 40; step++)
            {
                overlaps += Interlocked.Increment(ref inside) == 1 && queue.IsCurrent ? 0 : 1;
                steps++;
                Interlocked.Decrement(ref inside);
                await _scheduler.OffloadAsync(() => step);
            }
        }
    }

    [Fact]
    public async Task ResultAndExceptionOfWorkReachWhoeverEnteredTheQueue()
    {
        var queue = _scheduler.CreateQueue();
        Assert.Equal(5, await queue.RunAsync(async () => await _scheduler.OffloadAsync(() => 5)));
        await Assert.ThrowsAsync<FormatException>(async () => await queue.RunAsync(() => throw new FormatException()));
        await Assert.ThrowsAsync<FormatException>(async () => await _scheduler.OffloadAsync<int>(() => throw new FormatException()));
    }

    [Fact]
    public async Task QueueGoesOnAfterItsWorkFailed()
    {
        var queue = _scheduler.CreateQueue();
        var failing = queue.RunAsync(() => throw new FormatException()).AsTask();
        var working = queue.RunAsync(() => ValueTask.FromResult(3)).AsTask();
        await Assert.ThrowsAsync<FormatException>(() => failing);
        Assert.Equal(3, await working.WaitAsync(Deadline));
    }

    [Fact]
    public void QueueIsNeverWaitedFor() => Assert.Throws<NotSupportedException>(() => _scheduler.CreateQueue().Send(_ => { }, null));

    [Fact]
    public void CallerOutsideAnyContextResumesNeitherInlineNorOnTheQueue()
    {
        var queue = _scheduler.CreateQueue();
        var gate = new ManualResetEventSlim();
        var resumedOnQueue = true;
        var setter = 0;
        var resumer = 0;
        var thread = new Thread(() =>
        {
            var completion = new Completion<int>(_scheduler);
            var awaiter = completion.Task.GetAwaiter();
            awaiter.UnsafeOnCompleted(() =>
            {
                resumer = Environment.CurrentManagedThreadId;
                resumedOnQueue = queue.IsCurrent;
                gate.Set();
            });
            setter = Environment.CurrentManagedThreadId;
            completion.TrySetResult(1);
            Assert.True(gate.Wait(Deadline));
        });
        thread.Start();
        thread.Join();
        Assert.NotEqual(setter, resumer);
        Assert.False(resumedOnQueue);
    }
}
