using Macula.Transport.Execution;

namespace Macula.Testing.VirtualTime;

/// <summary>A world of its own for ordinary asynchronous code: one thread, one seed, and a time that passes only when nobody has anything to do.</summary>
/// <remarks>
/// Everything that happens in it follows from the seed and from the code, as long as the code stays in it: no Task.Run, no
/// ConfigureAwait(false), no timer without the world's <see cref="TimeProvider"/> (docs/simulation.md). A world belongs to the thread that runs it;
/// different worlds may run on different threads at once.
/// </remarks>
public sealed class VirtualWorld
{
    // Ten thousand nodes that start at once execute some hundred items each within one moment; a loop that never waits reaches any number.
    private const long MaxItemsPerMoment = 5_000_000;

    // On the way to an error: whoever left the world for another thread is back within this real time, and names the true cause. A thread pool
    // whose threads are all held up takes a second or two to add one.
    private static readonly TimeSpan PatienceWithForeignThreads = TimeSpan.FromSeconds(5);

    private readonly ReadyQueue _ready;
    private readonly EventQueue _events = new();
    private readonly EventTrace _trace = new();
    private readonly WorldContext _context;
    private readonly SerialQueue _main;
    private readonly object _foreignGate = new();
    private int _thread = Environment.CurrentManagedThreadId;
    private bool _running;
    private long _itemsThisMoment;
    private volatile string? _foreign;

    /// <summary>Makes a world at virtual time zero.</summary>
    /// <param name="seed">Everything random in it follows from this number.</param>
    public VirtualWorld(ulong seed)
    {
        Seed = seed;
        Random = new SeededRandomSource(seed);
        _ready = new ReadyQueue(Random.Fork("order"));
        ComputationRandom = Random.Fork("computations");
        _context = new WorldContext(this);
        Scheduler = CreateScheduler();
        _main = Scheduler.CreateQueue();
    }

    /// <summary>The number that everything follows from.</summary>
    public ulong Seed { get; }

    /// <summary>The world's randomness. Fork it for each purpose.</summary>
    public SeededRandomSource Random { get; }

    /// <summary>The scheduler of the main function, which belongs to no node. Its clock is right.</summary>
    public VirtualScheduler Scheduler { get; }

    /// <summary>The clock of the main function.</summary>
    public TimeProvider Time => Scheduler.Time;

    /// <summary>Virtual time since the world was made.</summary>
    public TimeSpan Elapsed => new(NowTicks);

    /// <summary>How many items and events were executed so far: a measure of work that does not depend on the machine.</summary>
    public long Steps { get; private set; }

    /// <summary>A hash over everything that was sent and delivered so far: time, source, destination and every byte; 32 hexadecimal digits.</summary>
    /// <remarks>Two runs that did the same have the same, also in different processes; any difference gives another.</remarks>
    public string TraceHash => _trace.Hash;

    internal long NowTicks { get; private set; }

    internal EventTrace Trace => _trace;

    internal SeededRandomSource ComputationRandom { get; }

    /// <summary>Makes the scheduler of another node.</summary>
    /// <param name="wallClockOffset">How far its time of day is ahead of the world's. Default zero.</param>
    public VirtualScheduler CreateScheduler(TimeSpan wallClockOffset = default) => new(this, wallClockOffset);

    /// <summary>Adds bytes of the application's own to the trace, such as what a test observed.</summary>
    public void Record(ReadOnlySpan<byte> bytes) => _trace.Record(NowTicks, bytes);

    /// <summary>Runs a main function in this world until it ends: see <see cref="Run{T}"/>.</summary>
    public void Run(Func<ValueTask> main, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(main);
        Run<object?>(
            async () =>
            {
                await main();
                return null;
            },
            limit);
    }

    /// <summary>Runs a main function in this world, on the calling thread, until it ends.</summary>
    /// <typeparam name="T">What it returns.</typeparam>
    /// <param name="main">Runs on a serial queue of <see cref="Scheduler"/>.</param>
    /// <param name="limit">Longest virtual time that it may take.</param>
    /// <returns>What the main function returned; its exceptions come through as they are.</returns>
    /// <remarks>What it leaves running stays as it is, and goes on with the next run, where time goes on too.</remarks>
    /// <exception cref="SimulationException">The run itself failed: deadlock, time limit, livelock, another thread, an exception nobody looked at.</exception>
    public T Run<T>(Func<ValueTask<T>> main, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(main);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        if (_running)
        {
            throw new InvalidOperationException("The world runs already; await within the main function instead.");
        }

        var outer = SynchronizationContext.Current;
        _thread = Environment.CurrentManagedThreadId;
        _running = true;
        using var unobserved = new UnobservedExceptions();
        try
        {
            SynchronizationContext.SetSynchronizationContext(_context);
            var pending = _main.RunAsync(main).AsTask();
            RunUntil(pending, NowTicks + limit.Ticks);
            var result = pending.GetAwaiter().GetResult();
            ThrowIfForeign();
            return unobserved.Find() is { } exception
                ? throw Failed(SimulationFailure.UnobservedException, "A task failed and nobody awaited it.", exception)
                : result;
        }
        finally
        {
            _running = false;
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    internal int CountTimersOf(VirtualScheduler owner) => _events.CountOf(owner);

    internal void Enqueue(ReadyItem item)
    {
        if (IsOwnThread(item.Item))
        {
            _ready.Enqueue(item);
        }
    }

    internal void Arm(VirtualEvent item, TimeSpan delay)
    {
        if (IsOwnThread(item))
        {
            _events.Arm(item, NowTicks + Math.Max(0, Math.Min(delay.Ticks, long.MaxValue / 2)));
        }
    }

    internal void Disarm(VirtualEvent item)
    {
        if (IsOwnThread(item))
        {
            _events.Disarm(item);
        }
    }

    // A task root: an exception that comes out of an item was thrown where nobody can await it, as in a timer's callback or an async void method.
#pragma warning disable CA1031
    private void RunUntil(Task main, long limitTicks)
    {
        try
        {
            while (TryStep(main, limitTicks))
            {
                Steps++;
                if (++_itemsThisMoment > MaxItemsPerMoment)
                {
                    throw Failed(SimulationFailure.Livelock, $"Livelock: {MaxItemsPerMoment:N0} items ran and time stood still.");
                }
            }
        }
        catch (Exception exception) when (exception is not SimulationException)
        {
            throw Failed(SimulationFailure.UnobservedException, "A callback failed where nobody could catch it.", exception);
        }
    }
#pragma warning restore CA1031

    private bool TryStep(Task main, long limitTicks)
    {
        SynchronizationContext.SetSynchronizationContext(_context);
        ThrowIfForeign();
        if (_ready.TryDequeue(out var next))
        {
            if (next.Owner is not { IsStopped: true })
            {
                next.Item.Execute();
            }

            return true;
        }

        if (main.IsCompleted)
        {
            return false;
        }

        TakeEvent(limitTicks).Fire();
        return true;
    }

    private VirtualEvent TakeEvent(long limitTicks)
    {
        if (!_events.TryPeek(out var atTicks))
        {
            WaitForForeignThreads();
            throw Failed(
                SimulationFailure.Deadlock,
                "Deadlock: the main function waits, nothing is ready, and no timer is set. Either nobody completes what it waits for, or code left this world (Task.Run, ConfigureAwait(false), a real timer) and has not come back.");
        }

        if (atTicks > limitTicks)
        {
            WaitForForeignThreads();
            NowTicks = limitTicks;
            throw Failed(SimulationFailure.TimeLimit, "The main function had not ended at the limit of virtual time.");
        }

        if (atTicks > NowTicks)
        {
            NowTicks = atTicks;
            _itemsThisMoment = 0;
        }

        return _events.Dequeue();
    }

    private bool IsOwnThread(object what)
    {
        if (Environment.CurrentManagedThreadId == _thread)
        {
            return true;
        }

        // Not thrown here: on a thread of the pool an exception would end the process instead of the run.
        lock (_foreignGate)
        {
            _foreign ??= $"{what.GetType().Name} came from thread {Environment.CurrentManagedThreadId}:{Environment.NewLine}{Environment.StackTrace}";
            Monitor.PulseAll(_foreignGate);
        }

        return false;
    }

    private void WaitForForeignThreads()
    {
        lock (_foreignGate)
        {
            if (_foreign is null)
            {
                Monitor.Wait(_foreignGate, PatienceWithForeignThreads);
            }
        }

        ThrowIfForeign();
    }

    private void ThrowIfForeign()
    {
        if (_foreign is { } foreign)
        {
            throw Failed(
                SimulationFailure.ForeignThread,
                $"Another thread reached into the world: some code left it (Task.Run, ConfigureAwait(false), a timer without the TimeProvider, a framework method that does so inside). {foreign}");
        }
    }

    private SimulationException Failed(SimulationFailure failure, string message, Exception? inner = null) => new(failure, Seed, Elapsed, message, inner);

    /// <summary>The context of code that runs on no serial queue, such as a timer's callback: what it posts stays in the world.</summary>
    private sealed class WorldContext(VirtualWorld world) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => world.Enqueue(new ReadyItem(null, new Posted(d, state)));

        public override void Send(SendOrPostCallback d, object? state) => d(state);

        public override SynchronizationContext CreateCopy() => this;

        private sealed class Posted(SendOrPostCallback callback, object? state) : IThreadPoolWorkItem
        {
            public void Execute() => callback(state);
        }
    }
}
