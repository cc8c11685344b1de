using Macula.Transport.Execution;

namespace Macula.Connections;

/// <summary>Counts the streams in use on a connection, so that it can drain: finish what runs and take nothing new.</summary>
internal sealed class StreamCount(MeshScheduler scheduler)
{
    private readonly Lock _gate = new();
    private readonly Completion<bool> _idle = new(scheduler);
    private Task<bool>? _whenIdle;
    private int _inUse;
    private bool _draining;

    /// <summary>Streams in use now.</summary>
    public int InUse
    {
        get
        {
            lock (_gate)
            {
                return _inUse;
            }
        }
    }

    /// <summary>Takes part in the count for one stream that this side opens; false while draining.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_draining)
            {
                return false;
            }

            _inUse++;
            return true;
        }
    }

    /// <summary>Takes part in the count for one stream that the other side opened, draining or not; false above the limit.</summary>
    public bool TryEnterIncoming(int limit)
    {
        lock (_gate)
        {
            if (_inUse >= limit)
            {
                return false;
            }

            _inUse++;
            return true;
        }
    }

    /// <summary>Gives one stream back.</summary>
    public void Leave()
    {
        bool idle;
        lock (_gate)
        {
            _inUse--;
            idle = _draining && _inUse == 0;
        }

        if (idle)
        {
            _idle.TrySetResult(true);
        }
    }

    /// <summary>Stops new streams of this side and completes when none is in use. A connection that drains already may be told to again, when its node stops.</summary>
    public Task<bool> DrainAsync()
    {
        bool idle;
        Task<bool> whenIdle;
        lock (_gate)
        {
            whenIdle = _whenIdle ??= _idle.Task.AsTask();
            _draining = true;
            idle = _inUse == 0;
        }

        if (idle)
        {
            _idle.TrySetResult(true);
        }

        return whenIdle;
    }
}
