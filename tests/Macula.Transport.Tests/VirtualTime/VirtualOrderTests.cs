using System.Threading.Channels;
using Macula.Testing.VirtualTime;
using Macula.Transport.Execution;

namespace Macula.Transport.Tests.VirtualTime;

/// <summary>Where code resumes in a world, and in which order.</summary>
public sealed class VirtualOrderTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public void OffloadedComputationsRunInAnOrderThatFollowsFromTheSeed()
    {
        var orders = Enumerable.Range(0, 20).Select(seed => OffloadOrder((ulong)seed)).ToArray();
        Assert.Equal(orders, Enumerable.Range(0, 20).Select(seed => OffloadOrder((ulong)seed)));
        Assert.True(orders.Distinct().Count() > 10, "Twenty seeds give hardly any different orders.");

        static string OffloadOrder(ulong seed)
        {
            var world = new VirtualWorld(seed);
            var order = new List<int>();
            world.Run(
                async () => await Task.WhenAll(Enumerable.Range(0, 6).Select(number => world.Scheduler.OffloadAsync(() =>
                {
                    order.Add(number);
                    return number;
                }).AsTask())),
                Limit);
            return string.Join(',', order);
        }
    }

    [Fact]
    public void QueuesTakeTurnsInAnOrderThatFollowsFromTheSeedAndKeepTheirOwn()
    {
        var orders = Enumerable.Range(0, 20).Select(seed => TurnOrder((ulong)seed)).ToArray();
        Assert.Equal(orders, Enumerable.Range(0, 20).Select(seed => TurnOrder((ulong)seed)));
        Assert.True(orders.Distinct().Count() > 10, "Twenty seeds give hardly any different orders.");

        static string TurnOrder(ulong seed)
        {
            var world = new VirtualWorld(seed);
            var order = new List<(int Queue, int Number)>();
            world.Run(
                async () =>
                {
                    for (var queue = 0; queue < 5; queue++)
                    {
                        var target = world.Scheduler.CreateQueue();
                        for (var number = 0; number < 3; number++)
                        {
                            var entry = (queue, number);
                            target.Post(_ => order.Add(entry), null);
                        }
                    }

                    await Task.Delay(TimeSpan.FromSeconds(1), world.Time);
                },
                Limit);
            Assert.All(order.GroupBy(entry => entry.Queue), own => Assert.Equal([0, 1, 2], own.Select(entry => entry.Number)));
            return string.Join(',', order.Select(entry => entry.Queue));
        }
    }

    [Fact]
    public void CompletionAwaitedAsTaskStaysOnTheQueue() => OnQueue(async (scheduler, assertOnQueue) =>
    {
        var completion = new Completion<int>(scheduler);
        SetLater(scheduler, completion, 7);
        Assert.Equal(7, await completion.Task.AsTask());
        assertOnQueue();
    });

    [Fact]
    public void WhenAllStaysOnTheQueue() => OnQueue(async (scheduler, assertOnQueue) =>
    {
        var completions = Enumerable.Range(0, 5).Select(_ => new Completion<int>(scheduler)).ToArray();
        for (var number = 0; number < completions.Length; number++)
        {
            SetLater(scheduler, completions[number], number);
        }

        var results = await Task.WhenAll(completions.Select(completion => completion.Task.AsTask()));
        Assert.Equal([0, 1, 2, 3, 4], results);
        assertOnQueue();
    });

    [Fact]
    public void WhenAnyStaysOnTheQueue() => OnQueue(async (scheduler, assertOnQueue) =>
    {
        var completion = new Completion<int>(scheduler);
        SetLater(scheduler, completion, 3);
        var first = await Task.WhenAny(completion.Task.AsTask(), Task.Delay(TimeSpan.FromSeconds(30), scheduler.Time));
        Assert.Equal(3, await (Task<int>)first);
        assertOnQueue();
    });

    [Fact]
    public void WaitAsyncWithATokenStaysOnTheQueueWhicheverComesFirst() => OnQueue(async (scheduler, assertOnQueue) =>
    {
        var completion = new Completion<int>(scheduler);
        SetLater(scheduler, completion, 3);
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(5), scheduler.Time);
        Assert.Equal(3, await completion.Task.AsTask().WaitAsync(late.Token));
        assertOnQueue();

        using var early = new CancellationTokenSource(TimeSpan.FromSeconds(1), scheduler.Time);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Completion<int>(scheduler).Task.AsTask().WaitAsync(early.Token));
        assertOnQueue();
        await Assert.ThrowsAsync<TimeoutException>(() => new Completion<int>(scheduler).Task.AsTask().WaitAsync(TimeSpan.FromSeconds(1), scheduler.Time));
        assertOnQueue();
    });

    [Fact]
    public void ChannelsAndPeriodicTimersStayOnTheQueue() => OnQueue(async (scheduler, assertOnQueue) =>
    {
        var channel = Channel.CreateBounded<int>(2);
        var producing = ProduceAsync(channel.Writer);
        var sum = 0;
        while (await channel.Reader.WaitToReadAsync())
        {
            assertOnQueue();
            while (channel.Reader.TryRead(out var item))
            {
                sum += item;
            }
        }

        await producing;
        Assert.Equal(45, sum);

        async Task ProduceAsync(ChannelWriter<int> writer)
        {
            using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(10), scheduler.Time);
            for (var item = 0; item < 10; item++)
            {
                await ticks.WaitForNextTickAsync();
                assertOnQueue();
                await writer.WriteAsync(item);
            }

            writer.Complete();
        }
    });

    [Fact]
    public void SettingACompletionNeverRunsItsAwaiterInline() => OnQueue(async (scheduler, assertOnQueue) =>
    {
        var completion = new Completion<int>(scheduler);
        var resumed = false;
        var awaiting = AwaitAsync();
        completion.TrySetResult(1);
        Assert.False(resumed);
        await awaiting;
        Assert.True(resumed);
        assertOnQueue();

        async Task AwaitAsync()
        {
            await completion.Task;
            resumed = true;
        }
    });

    private static void SetLater(MeshScheduler scheduler, Completion<int> completion, int result)
    {
        var timer = scheduler.Time.CreateTimer(_ => completion.TrySetResult(result), null, TimeSpan.FromMilliseconds(10 + result), TimeSpan.Zero);
        GC.KeepAlive(timer);
    }

    private static void OnQueue(Func<MeshScheduler, Action, Task> body)
    {
        var world = new VirtualWorld(seed: 5);
        var thread = Environment.CurrentManagedThreadId;
        var queue = world.CreateScheduler().CreateQueue();
        world.Run(() => queue.RunAsync(async () => await body(queue.Scheduler, AssertOnQueue)), Limit);

        void AssertOnQueue()
        {
            Assert.True(queue.IsCurrent, "The code left its queue.");
            Assert.Equal(thread, Environment.CurrentManagedThreadId);
        }
    }
}
