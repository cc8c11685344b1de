using System.Collections.Immutable;
using Macula.Wire.Identifiers;

namespace Macula.Rpc;

/// <summary>Keeps the procedures that this node advertises in one realm. May be read from any queue.</summary>
internal sealed class ProcedureTable(int capacity)
{
    private ImmutableDictionary<ProcedureName, CallHandler> _handlers = ImmutableDictionary<ProcedureName, CallHandler>.Empty;

    /// <summary>The handler of a procedure; null when this node does not advertise it.</summary>
    public CallHandler? Find(ProcedureName procedure) => Volatile.Read(ref _handlers).GetValueOrDefault(procedure);

    /// <summary>Adds a procedure.</summary>
    /// <exception cref="InvalidOperationException">This node advertises it already, or as many as it may.</exception>
    public void Add(ProcedureName procedure, CallHandler handler)
    {
        if (!ImmutableInterlocked.Update(ref _handlers, Extend, (procedure, handler)))
        {
            throw new InvalidOperationException(
                Find(procedure) is null
                    ? $"This node advertises {capacity} procedures already, which is its limit."
                    : $"This node advertises {procedure} already; withdraw that first.");
        }
    }

    /// <summary>Removes a procedure if this is its handler.</summary>
    public bool Remove(ProcedureName procedure, CallHandler handler) =>
        ImmutableInterlocked.Update(
            ref _handlers,
            static (handlers, entry) => handlers.GetValueOrDefault(entry.procedure) == entry.handler ? handlers.Remove(entry.procedure) : handlers,
            (procedure, handler));

    private ImmutableDictionary<ProcedureName, CallHandler> Extend(
        ImmutableDictionary<ProcedureName, CallHandler> handlers, (ProcedureName Procedure, CallHandler Handler) entry) =>
        handlers.Count >= capacity || handlers.ContainsKey(entry.Procedure) ? handlers : handlers.Add(entry.Procedure, entry.Handler);
}
