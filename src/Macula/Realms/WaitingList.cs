using Macula.Transport.Execution;
using Macula.Wire.Errors;

namespace Macula.Realms;

/// <summary>Those who wait for something to come about.</summary>
/// <remarks>Used on one queue only. As long as the requests of the application that wait, which their deadlines bound.</remarks>
internal sealed class WaitingList(MeshScheduler scheduler)
{
    private readonly List<Completion<bool>> _waiting = [];
    private (ErrorCode Code, string Sentence)? _closed;

    /// <summary>True when nobody waits.</summary>
    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>Completes when it has come about.</summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="MaculaException">It will not come about any more: the code is that with which the list was closed.</exception>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (_closed is var (code, sentence))
        {
            throw new MaculaException(code, sentence);
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

    /// <summary>It will not come about any more, since the node stops: see <see cref="Close(ErrorCode, string)"/>.</summary>
    public void Close() => Close(ErrorCode.ShuttingDown, ErrorCodes.Describe(ErrorCode.ShuttingDown).Meaning);

    /// <summary>It will not come about any more: those who wait, and those who would, fail for this reason. What was closed before keeps its own.</summary>
    public void Close(ErrorCode code, string sentence)
    {
        _closed ??= (code, sentence);
        foreach (var waiting in _waiting)
        {
            waiting.TrySetException(new MaculaException(code, sentence));
        }
    }
}
