using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>A procedure that this node provides, until this is disposed.</summary>
public sealed class Advertisement : IAsyncDisposable
{
    private Action? _withdraw;

    internal Advertisement(ProcedureName procedure, Action withdraw)
    {
        Procedure = procedure;
        _withdraw = withdraw;
    }

    /// <summary>The name.</summary>
    public ProcedureName Procedure { get; }

    /// <summary>Stops providing it. Calls that run go on to their end; new ones get <see cref="Wire.Errors.ErrorCode.NoSuchProcedure"/>.</summary>
    public ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref _withdraw, null)?.Invoke();
        return ValueTask.CompletedTask;
    }
}
