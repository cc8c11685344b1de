using Macula.Transport.Execution;

namespace Macula.Testing.Network;

/// <summary>Those who wait for the same thing, in the order in which they came.</summary>
internal sealed class Waiters<T>(MeshScheduler scheduler)
{
    // Below this number those who gave up are not worth sweeping out.
    private const int SweepAtLeast = 32;

    private readonly List<Completion<T>> _waiting = [];
    private int _sweepAt = SweepAtLeast;

    public ValueTask<T> Add(CancellationToken cancellationToken)
    {
        if (_waiting.Count >= _sweepAt)
        {
            Sweep();
        }

        var waiter = new Completion<T>(scheduler).CancelledBy(cancellationToken);
        _waiting.Add(waiter);
        return waiter.Task;
    }

    /// <summary>True when somebody waits who has not given up.</summary>
    public bool Any()
    {
        Sweep();
        return _waiting.Count > 0;
    }

    /// <summary>Lets the first one go. Call it when <see cref="Any"/> is true.</summary>
    public void ReleaseFirst(T result)
    {
        _waiting[0].TrySetResult(result);
        _waiting.RemoveAt(0);
    }

    public void ReleaseAll(T result)
    {
        _waiting.ForEach(waiter => waiter.TrySetResult(result));
        _waiting.Clear();
    }

    public void FailAll(Func<Exception> failure)
    {
        _waiting.ForEach(waiter => waiter.TrySetException(failure()));
        _waiting.Clear();
    }

    private void Sweep()
    {
        _waiting.RemoveAll(waiter => waiter.IsCompleted);
        _sweepAt = Math.Max(SweepAtLeast, _waiting.Count * 2);
    }
}
