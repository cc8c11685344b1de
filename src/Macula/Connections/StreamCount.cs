using Macula.Transport.Execution;
using Macula.Wire.Time;

namespace Macula.Connections;

/// <summary>What streams of a connection are for, which decides whether silence ends it: [CON-16].</summary>
internal enum ConnectionUse
{
    /// <summary>Requests of the DHT: another connection does as well.</summary>
    Dht,

    /// <summary>Anything that an application asked for: the connection stays.</summary>
    Application,
}

/// <summary>Counts the streams in use on a connection, so that it can drain: finish what runs and take nothing new.</summary>
/// <remarks>May be used from any queue.</remarks>
internal sealed class StreamCount
{
    private readonly MeshScheduler _scheduler;
    private readonly Lock _gate = new();
    private readonly Completion<bool> _outgoingFinished;
    private readonly Completion<bool> _idle;
    private int _outgoing;
    private int _incoming;
    private bool _draining;
    private bool _application;
    private Instant _lastUsed;

    public StreamCount(MeshScheduler scheduler)
    {
        _scheduler = scheduler;
        _lastUsed = scheduler.Now;
        _outgoingFinished = new Completion<bool>(scheduler);
        _idle = new Completion<bool>(scheduler);
        OutgoingFinished = _outgoingFinished.Task.AsTask();
        Idle = _idle.Task.AsTask();
    }

    /// <summary>Completes when this side drains and none of the streams that it opened is in use.</summary>
    public Task OutgoingFinished { get; }

    /// <summary>Completes when this side drains and no stream is in use; the other side may open one even then, until it drains too.</summary>
    public Task Idle { get; }

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

    /// <summary>True while no stream is in use.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _outgoing + _incoming == 0;
            }
        }
    }

    /// <summary>True once an application has used the connection.</summary>
    public bool IsApplications
    {
        get
        {
            lock (_gate)
            {
                return _application;
            }
        }
    }

    /// <summary>Since when no stream has been in use; the present while one is.</summary>
    public Instant IdleSince
    {
        get
        {
            lock (_gate)
            {
                return _outgoing + _incoming == 0 ? _lastUsed : _scheduler.Now;
            }
        }
    }

    /// <summary>Notes what a stream is for.</summary>
    public void HandleUsed(ConnectionUse use)
    {
        lock (_gate)
        {
            _application |= use == ConnectionUse.Application;
        }
    }

    /// <summary>Takes part in the count for one stream that this side opens; false while draining.</summary>
    public bool TryEnterOutgoing(ConnectionUse use)
    {
        lock (_gate)
        {
            if (_draining)
            {
                return false;
            }

            _application |= use == ConnectionUse.Application;
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

        CompleteWhatIsDone();
    }

    private void Leave(ref int count)
    {
        lock (_gate)
        {
            count--;
            _lastUsed = _scheduler.Now;
        }

        CompleteWhatIsDone();
    }

    private void CompleteWhatIsDone()
    {
        bool finished;
        bool idle;
        lock (_gate)
        {
            finished = _draining && _outgoing == 0;
            idle = finished && _incoming == 0;
        }

        if (finished)
        {
            _outgoingFinished.TrySetResult(true);
        }

        if (idle)
        {
            _idle.TrySetResult(true);
        }
    }
}
