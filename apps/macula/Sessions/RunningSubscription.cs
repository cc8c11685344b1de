using Macula.Cli.Output;
using Macula.PubSub;
using Macula.Wire.Errors;

namespace Macula.Cli.Sessions;

/// <summary>A subscription whose events are written as they come.</summary>
internal sealed class RunningSubscription
{
    private readonly Subscription _subscription;
    private readonly Action<(string Name, object? Value)[]> _write;
    private readonly Task _reading;

    public RunningSubscription(Subscription subscription, Action<(string Name, object? Value)[]> write)
    {
        _subscription = subscription;
        _write = write;
        _reading = ReadAsync();
    }

    /// <summary>Unsubscribes; returns how many events were dropped since the reader was too slow for them.</summary>
    public async Task<long> EndAsync()
    {
        await _subscription.DisposeAsync();
        await _reading;
        return _subscription.DroppedEvents;
    }

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var happened in _subscription)
            {
                Write(happened);
            }
        }
        catch (MaculaException exception)
        {
            _write(FailureReport.FieldsOf(exception));
        }
    }

    private void Write(MeshEvent happened)
    {
        try
        {
            _write(EventFields.Of(happened));
        }
        catch (CommandFailure failure)
        {
            // Others publish what they like, also what JSON has no form for; the next event may be better.
            _write(FailureReport.FieldsOf(failure));
        }
    }
}
