using Macula.Transport.Execution;

namespace Macula.Transport.Tests.Quic;

/// <summary>A scheduler that can hold back what would resume, so that a test acts in between.</summary>
internal sealed class HeldScheduler : MeshScheduler
{
    private readonly Lock _gate = new();
    private readonly List<IThreadPoolWorkItem> _held = [];
    private bool _holds;

    public override TimeProvider Time => TimeProvider.System;

    /// <summary>How many wait to resume.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>Holds everything back until the result is disposed of. Without that, nobody who awaits something here ever resumes.</summary>
    public IDisposable Hold()
    {
        lock (_gate)
        {
            _holds = true;
        }

        return new Holding(this);
    }

    protected override void Schedule(IThreadPoolWorkItem item)
    {
        lock (_gate)
        {
            if (_holds)
            {
                _held.Add(item);
                return;
            }
        }

        Run(item);
    }

    private static void Run(IThreadPoolWorkItem item) => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);

    private void Release()
    {
        lock (_gate)
        {
            _holds = false;
            _held.ForEach(Run);
            _held.Clear();
        }
    }

    private sealed class Holding(HeldScheduler scheduler) : IDisposable
    {
        public void Dispose() => scheduler.Release();
    }
}
