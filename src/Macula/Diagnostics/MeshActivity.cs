using System.Diagnostics;
using Macula.Wire.Identifiers;

namespace Macula.Diagnostics;

/// <summary>Spans of calls, on the activity source "Macula", joined across nodes by W3C trace context.</summary>
internal static class MeshActivity
{
    private static readonly ActivitySource Source = new("Macula");

    /// <summary>Starts the caller's span; null when nobody listens.</summary>
    public static Activity? StartClient(ProcedureName procedure) => Source.StartActivity(procedure.Value, ActivityKind.Client);

    /// <summary>Starts the provider's span under the caller's; null when nobody listens.</summary>
    /// <param name="procedure">The name that was called.</param>
    /// <param name="traceParent">The caller's span, as it came; null when it sent none. What is no trace parent is ignored.</param>
    public static Activity? StartServer(ProcedureName procedure, string? traceParent) =>
        ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent)
            ? Source.StartActivity(procedure.Value, ActivityKind.Server, parent)
            : Source.StartActivity(procedure.Value, ActivityKind.Server);

    /// <summary>The span to send with a call; null when there is none.</summary>
    public static string? CurrentTraceParent => Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current.Id : null;
}
