using Macula.Testing.VirtualTime;
using Macula.Transport.Execution;

namespace Macula.Transport.Tests.VirtualTime;

public sealed class VirtualWorldTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    [Fact]
    public void TimePassesOnlyWhenNobodyHasAnythingToDo()
    {
        var world = new VirtualWorld(seed: 1);
        world.Run(
            async () =>
            {
                var start = world.Scheduler.Now;
                await Task.Yield();
                Assert.Equal(start, world.Scheduler.Now);
                await Task.Delay(TimeSpan.FromMinutes(30), world.Time);
                Assert.Equal(TimeSpan.FromMinutes(30), world.Scheduler.Now - start);
            },
            Limit);
        Assert.Equal(TimeSpan.FromMinutes(30), world.Elapsed);
    }

    [Fact]
    public void ASchedulerCountsTheTimersThatAreSetOnItsOwnClock()
    {
        var world = new VirtualWorld(seed: 1);
        var node = world.CreateScheduler();
        using var other = world.Time.CreateTimer(static _ => { }, null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        using var unset = node.Time.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Assert.Equal(0, node.TimersSet);

        var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1), node.Time);
        using var often = node.Time.CreateTimer(static _ => { }, null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        Assert.Equal(2, node.TimersSet);
        patience.Dispose();
        Assert.Equal(1, node.TimersSet);
        world.Run(async () => await Task.Delay(TimeSpan.FromSeconds(3), world.Time), Limit);
        Assert.Equal(1, node.TimersSet);
    }

    [Fact]
    public void FrameworkTimersFireInOrderAndTiesInTheOrderOfTheirCreation()
    {
        var world = new VirtualWorld(seed: 1);
        var fired = new List<string>();
        world.Run(
            async () =>
            {
                using var cancellation = new CancellationTokenSource(TimeSpan.FromSeconds(2), world.Time);
                using var registration = cancellation.Token.Register(() => fired.Add("token 2"));
                using var periodic = new PeriodicTimer(TimeSpan.FromSeconds(1), world.Time);
                await using var tieA = world.Time.CreateTimer(_ => fired.Add("tie a"), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
                await using var tieB = world.Time.CreateTimer(_ => fired.Add("tie b"), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
                await using var early = world.Time.CreateTimer(_ => fired.Add("early"), null, TimeSpan.FromSeconds(0.5), TimeSpan.Zero);
                var delay = Delayed(TimeSpan.FromSeconds(3.5), "delay 3.5");
                for (var tick = 1; tick <= 4; tick++)
                {
                    Assert.True(await periodic.WaitForNextTickAsync());
                    fired.Add($"tick {tick}");
                }

                await delay;
                await Task.Delay(TimeSpan.FromSeconds(2), world.Time);
            },
            Limit);
        Assert.Equal(["early", "tick 1", "token 2", "tick 2", "tick 3", "delay 3.5", "tick 4", "tie a", "tie b"], fired);

        async Task Delayed(TimeSpan time, string name)
        {
            await Task.Delay(time, world.Time);
            fired.Add(name);
        }
    }

    [Fact]
    public void TimerThatIsChangedOrDisposedDoesNotFireAtItsOldTime()
    {
        var world = new VirtualWorld(seed: 1);
        var fired = new List<TimeSpan>();
        world.Run(
            async () =>
            {
                await using var moved = world.Time.CreateTimer(_ => fired.Add(world.Elapsed), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
                Assert.True(moved.Change(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3)));
                var gone = world.Time.CreateTimer(_ => fired.Add(TimeSpan.Zero), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
                await gone.DisposeAsync();
                Assert.False(gone.Change(TimeSpan.Zero, TimeSpan.Zero));
                await Task.Delay(TimeSpan.FromSeconds(9), world.Time);
            },
            Limit);
        Assert.Equal([TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(8)], fired);
    }

    [Fact]
    public void ManyDisarmedTimersAreSweptAndTheOthersStillFire()
    {
        var world = new VirtualWorld(seed: 1);
        var fired = 0;
        world.Run(
            async () =>
            {
                for (var number = 0; number < 50_000; number++)
                {
                    using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(10), world.Time);
                }

                await using var timer = world.Time.CreateTimer(_ => fired++, null, TimeSpan.FromMinutes(5), TimeSpan.Zero);
                await Task.Delay(TimeSpan.FromMinutes(20), world.Time);
            },
            Limit);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void TimeOfDayMayBeOffWhileTimersAreNot()
    {
        var world = new VirtualWorld(seed: 1);
        var slow = world.CreateScheduler(TimeSpan.FromMinutes(-7));
        world.Run(
            async () =>
            {
                Assert.Equal(world.Scheduler.WallNow + TimeSpan.FromMinutes(-7), slow.WallNow);
                Assert.Equal(world.Scheduler.Now, slow.Now);
                await Task.Delay(TimeSpan.FromSeconds(5), slow.Time);
                Assert.Equal(TimeSpan.FromSeconds(5), world.Elapsed);
                slow.WallClockOffset = TimeSpan.FromDays(1);
                Assert.Equal(world.Time.GetUtcNow() + TimeSpan.FromDays(1), slow.Time.GetUtcNow());
                Assert.Equal(TimeZoneInfo.Utc, slow.Time.LocalTimeZone);
            },
            Limit);
    }

    [Fact]
    public void ResultAndExceptionsOfTheMainFunctionComeThrough()
    {
        var world = new VirtualWorld(seed: 1);
        Assert.Equal(42, world.Run(async () => await Task.FromResult(42), Limit));
        var thrown = Assert.Throws<FormatException>(() => world.Run(
            async () =>
            {
                await Task.Yield();
                throw new FormatException("mine");
            },
            Limit));
        Assert.Equal("mine", thrown.Message);
    }

    [Fact]
    public void NextRunGoesOnWhereTheLastOneStopped()
    {
        var world = new VirtualWorld(seed: 1);
        var ticks = 0;
        var timer = world.Time.CreateTimer(_ => ticks++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        world.Run(async () => await Task.Delay(TimeSpan.FromSeconds(3.5), world.Time), Limit);
        Assert.Equal(3, ticks);
        world.Run(async () => await Task.Delay(TimeSpan.FromSeconds(3), world.Time), Limit);
        Assert.Equal(6, ticks);
        timer.Dispose();
    }

    [Fact]
    public void WaitingForNobodyIsADeadlock()
    {
        var world = new VirtualWorld(seed: 77);
        var failed = Assert.Throws<SimulationException>(() => world.Run(async () => await new Completion<int>(world.Scheduler).Task, Limit));
        Assert.Equal(SimulationFailure.Deadlock, failed.Failure);
        Assert.Equal(77UL, failed.Seed);
        Assert.Contains("seed 77", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MainFunctionThatTakesTooLongIsStoppedAtTheLimit()
    {
        var world = new VirtualWorld(seed: 1);
        var failed = Assert.Throws<SimulationException>(() => world.Run(async () => await Task.Delay(TimeSpan.FromHours(2), world.Time), Limit));
        Assert.Equal(SimulationFailure.TimeLimit, failed.Failure);
        Assert.Equal(Limit, failed.VirtualTime);
    }

    [Fact]
    public void LoopThatNeverWaitsIsALivelock()
    {
        var world = new VirtualWorld(seed: 1);
        var failed = Assert.Throws<SimulationException>(() => world.Run(
            async () =>
            {
                while (true)
                {
                    await world.Scheduler.OffloadAsync(() => 0);
                }
            },
            Limit));
        Assert.Equal(SimulationFailure.Livelock, failed.Failure);
    }

    [Fact]
    public void CodeThatLeavesForTheThreadPoolEndsTheRun()
    {
        var world = new VirtualWorld(seed: 1);
        var failed = Assert.Throws<SimulationException>(() => world.Run(async () => await LeaveAsync(world), Limit));
        Assert.Equal(SimulationFailure.ForeignThread, failed.Failure);
        Assert.Contains("ConfigureAwait(false)", failed.Message, StringComparison.Ordinal);

        static async Task LeaveAsync(VirtualWorld world) => await Task.Delay(TimeSpan.FromSeconds(1), world.Time).ConfigureAwait(false);
    }

    [Fact]
    public void PostFromAnotherThreadEndsTheRun()
    {
        var world = new VirtualWorld(seed: 1);
        var queue = world.Scheduler.CreateQueue();
        var failed = Assert.Throws<SimulationException>(() => world.Run(
            async () =>
            {
                var thread = new Thread(() => queue.Post(_ => { }, null));
                thread.Start();
                thread.Join();
                await Task.Delay(TimeSpan.FromSeconds(1), world.Time);
            },
            Limit));
        Assert.Equal(SimulationFailure.ForeignThread, failed.Failure);
    }

    [Fact]
    public void TaskThatFailsWhileNobodyLooksEndsTheRun()
    {
        var world = new VirtualWorld(seed: 1);
        var failed = Assert.Throws<SimulationException>(() => world.Run(
            async () =>
            {
                _ = FailAsync(world);
                await Task.Delay(TimeSpan.FromSeconds(1), world.Time);
            },
            Limit));
        Assert.Equal(SimulationFailure.UnobservedException, failed.Failure);
        Assert.IsType<FormatException>(failed.InnerException);

        static async Task FailAsync(VirtualWorld world)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), world.Time);
            throw new FormatException("nobody looks");
        }
    }

    [Fact]
    public void CallbackThatThrowsEndsTheRun()
    {
        var world = new VirtualWorld(seed: 1);
        var failed = Assert.Throws<SimulationException>(() => world.Run(
            async () =>
            {
                await using var timer = world.Time.CreateTimer(_ => throw new FormatException("in a timer"), null, TimeSpan.Zero, TimeSpan.Zero);
                await Task.Delay(TimeSpan.FromSeconds(1), world.Time);
            },
            Limit));
        Assert.Equal(SimulationFailure.UnobservedException, failed.Failure);
        Assert.IsType<FormatException>(failed.InnerException);
    }

    [Fact]
    public void StoppedNodeRunsNothingMore()
    {
        var world = new VirtualWorld(seed: 1);
        var node = world.CreateScheduler();
        var queue = node.CreateQueue();
        var ticks = 0;
        world.Run(
            async () =>
            {
                queue.Post(
                    async _ =>
                    {
                        while (true)
                        {
                            await Task.Delay(TimeSpan.FromSeconds(1), node.Time);
                            ticks++;
                        }
                    },
                    null);
                await Task.Delay(TimeSpan.FromSeconds(2.5), world.Time);
                queue.Post(_ => ticks += 100, null);
                node.Stop();
                await Task.Delay(TimeSpan.FromSeconds(10), world.Time);
            },
            Limit);
        Assert.Equal(2, ticks);
        Assert.True(node.IsStopped);
    }
}
