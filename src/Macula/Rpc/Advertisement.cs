using Macula.Wire.Errors;
using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>A procedure that this node provides, until this is disposed.</summary>
public sealed class Advertisement : IAsyncDisposable
{
    private readonly Func<CancellationToken, ValueTask> _whenPublished;
    private Action? _withdraw;

    internal Advertisement(ProcedureName procedure, Action withdraw, Func<CancellationToken, ValueTask> whenPublished)
    {
        Procedure = procedure;
        _withdraw = withdraw;
        _whenPublished = whenPublished;
    }

    /// <summary>The name.</summary>
    public ProcedureName Procedure { get; }

    /// <summary>Completes when every member of the realm can find this provider: its record stands at the nodes nearest to the procedure's key, and those that watch it have been told.</summary>
    /// <param name="cancellationToken">Stops waiting; publishing goes on.</param>
    /// <exception cref="MaculaException">The node stops (<see cref="Wire.Errors.ErrorCode.ShuttingDown"/>), or the advertisement was disposed (<see cref="Wire.Errors.ErrorCode.Cancelled"/>).</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <remarks>
    /// Never completes while a node in client mode has not found its realm; it can be called by address all the same. A node in server mode that finds nobody is the first of its realm as far as
    /// it can know: it holds the record itself, and gives it to those who come.
    /// </remarks>
    public ValueTask WaitUntilPublishedAsync(CancellationToken cancellationToken = default) => _whenPublished(cancellationToken);

    /// <summary>Stops providing it. Calls that run go on to their end; new ones get <see cref="Wire.Errors.ErrorCode.NoSuchProcedure"/>, and this node's own go to other providers at once.</summary>
    public ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref _withdraw, null)?.Invoke();
        return ValueTask.CompletedTask;
    }
}
