using Macula.Transport.Execution;

namespace Macula.Connections;

/// <summary>Counts the streams in use on a connection, so that it can drain: finish what runs and take nothing new.</summary>
internal sealed class StreamCount(MeshScheduler scheduler)
{
    private readonly Lock _gate = new();
    private readonly Completion<bool> _idle = new(scheduler);
    private Task<bool>? _whenIdle;
    private int _outgoing;
    private int _incoming;
    private bool _draining;

    /// <summary>True once this side opens no more.</summary>
    public bool IsDraining
    {
        get
        {
            lock (_gate)
            {
                return _draining;
            }
        }
    }

    private bool IsIdle => _outgoing + _incoming == 0;

    /// <summary>Takes part in the count for one stream that this side opens; false while draining.</summary>
    public bool TryEnterOutgoing()
    {
        lock (_gate)
        {
            if (_draining)
            {
                return false;
            }

            _outgoing++;
            return true;
        }
    }

    /// <summary>Takes part in the count for one stream that the other side opened, draining or not; false when that many are in use.</summary>
    public bool TryEnterIncoming(int limit)
    {
        lock (_gate)
        {
            if (_incoming >= limit)
            {
                return false;
            }

            _incoming++;
            return true;
        }
    }

    /// <summary>Gives back a stream that this side opened.</summary>
    public void LeaveOutgoing() => Leave(ref _outgoing);

    /// <summary>Gives back a stream that the other side opened.</summary>
    public void LeaveIncoming() => Leave(ref _incoming);

    /// <summary>Lets this side open no more streams.</summary>
    public void StopOutgoing()
    {
        lock (_gate)
        {
            _draining = true;
        }
    }

    /// <summary>Completes when no stream is in use, from now on. May be asked again: a connection that drains is told to once more when its node stops.</summary>
    public Task<bool> WhenIdleAsync()
    {
        bool idle;
        Task<bool> whenIdle;
        lock (_gate)
        {
            whenIdle = _whenIdle ??= _idle.Task.AsTask();
            idle = IsIdle;
        }

        if (idle)
        {
            _idle.TrySetResult(true);
        }

        return whenIdle;
    }

    private void Leave(ref int count)
    {
        bool idle;
        lock (_gate)
        {
            count--;
            idle = _whenIdle is not null && IsIdle;
        }

        if (idle)
        {
            _idle.TrySetResult(true);
        }
    }
}
