using Macula.Realms;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Connections;

/// <summary>Agrees with the other side that a connection is no longer in use: [CON-8].</summary>
/// <remarks>May be used from any queue.</remarks>
internal sealed class ConnectionDrain
{
    private readonly RealmServices _realm;
    private readonly Task<TransportStream?> _control;
    private readonly StreamCount _streams;
    private readonly Lock _gate = new();
    private readonly Completion<bool> _begun;
    private readonly Completion<bool> _otherFinished;
    private readonly Completion<bool> _agreed;
    private readonly Task _whenOtherFinished;
    private bool _running;

    /// <summary>Begins nothing yet.</summary>
    /// <param name="realm">The connection's realm.</param>
    /// <param name="control">This side's control stream once its hello was sent; null when that failed.</param>
    /// <param name="streams">The connection's streams.</param>
    public ConnectionDrain(RealmServices realm, Task<TransportStream?> control, StreamCount streams)
    {
        _realm = realm;
        _control = control;
        _streams = streams;
        _begun = new Completion<bool>(realm.Scheduler);
        _otherFinished = new Completion<bool>(realm.Scheduler);
        _agreed = new Completion<bool>(realm.Scheduler);
        Begun = _begun.Task.AsTask();
        Agreed = _agreed.Task.AsTask();
        _whenOtherFinished = _otherFinished.Task.AsTask();
    }

    /// <summary>Completes when this side begins to open no more streams, on its own account or the other's.</summary>
    public Task Begun { get; }

    /// <summary>Completes when neither side opens more streams and none is in use; never when the connection ends before.</summary>
    public Task Agreed { get; }

    /// <summary>Tells the other side, and again when this side's streams have finished. Only the first time does anything.</summary>
    public void Begin(ErrorCode code)
    {
        lock (_gate)
        {
            if (_running)
            {
                return;
            }

            _running = true;
        }

        _streams.StopOutgoing();
        _begun.TrySetResult(true);
        _realm.Tasks.Run(() => TellAsync(code));
        _realm.Tasks.Run(AgreeAsync);
    }

    /// <summary>The other side has told of itself.</summary>
    public void HandleOther(DrainState state)
    {
        if (state == DrainState.Finished)
        {
            _otherFinished.TrySetResult(true);
        }
    }

    /// <summary>The connection has ended: nobody is told anything more.</summary>
    public void HandleEnd()
    {
        _otherFinished.TrySetResult(false);
        _begun.TrySetResult(false);
    }

    private async Task TellAsync(ErrorCode code)
    {
        try
        {
            if (await _control is not { } control)
            {
                return;
            }

            if (!_streams.OutgoingFinished.IsCompleted)
            {
                await ControlStream.SendAsync(control, new DrainFrame(code, DrainState.Finishing).Write);
                await _streams.OutgoingFinished;
            }

            await ControlStream.SendAsync(control, new DrainFrame(code, DrainState.Finished).Write);
        }
        catch (MaculaException)
        {
            // The connection has ended, and with it what was to be agreed upon.
        }
    }

    private async Task AgreeAsync()
    {
        // In this order: what the other side opened before it finished is counted only when it arrives.
        await _whenOtherFinished;
        await _streams.Idle;
        _agreed.TrySetResult(true);
    }
}
