using Macula.Transport.Execution;
using Macula.Wire.Errors;

namespace Macula.Realms;

/// <summary>Those who wait for something to come about.</summary>
/// <remarks>Used on one queue only. As long as the requests of the application that wait, which their deadlines bound.</remarks>
internal sealed class WaitingList(MeshScheduler scheduler)
{
    private readonly List<Completion<bool>> _waiting = [];
    private bool _isClosed;

    /// <summary>True when nobody waits.</summary>
    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>Completes when it has come about.</summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="MaculaException">It will not come about any more: the code is <see cref="ErrorCode.ShuttingDown"/>.</exception>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (_isClosed)
        {
            throw new MaculaException(ErrorCode.ShuttingDown);
        }

        var waiting = new Completion<bool>(scheduler);
        _waiting.Add(waiting);
        try
        {
            await waiting.CancelledBy(cancellationToken).Task;
        }
        finally
        {
            _waiting.Remove(waiting);
        }
    }

    /// <summary>It has come about: those who wait now go on.</summary>
    public void Release()
    {
        foreach (var waiting in _waiting)
        {
            waiting.TrySetResult(true);
        }
    }

    /// <summary>It will not come about any more: those who wait, and those who would, fail.</summary>
    public void Close()
    {
        _isClosed = true;
        foreach (var waiting in _waiting)
        {
            waiting.TrySetException(new MaculaException(ErrorCode.ShuttingDown));
        }
    }
}
