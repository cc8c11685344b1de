using System.Diagnostics;
using Macula.Wire.Identifiers;

namespace Macula.Diagnostics;

/// <summary>Spans of calls, on the activity source "Macula", joined across nodes by W3C trace context.</summary>
internal static class MeshActivity
{
    private static readonly ActivitySource Source = new("Macula");

    /// <summary>Starts the caller's span; null when nobody listens.</summary>
    /// <param name="procedure">The name that is called.</param>
    /// <param name="parent">The span in which the application calls; null when there is none.</param>
    public static Activity? StartClient(ProcedureName procedure, Activity? parent) =>
        Source.StartActivity(procedure.Value, ActivityKind.Client, parent?.Context ?? default);

    /// <summary>Starts the provider's span under the caller's; null when nobody listens.</summary>
    /// <param name="procedure">The name that was called.</param>
    /// <param name="traceParent">The caller's span, as it came; null when it sent none. What is no trace parent is ignored.</param>
    public static Activity? StartServer(ProcedureName procedure, string? traceParent) =>
        ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent)
            ? Source.StartActivity(procedure.Value, ActivityKind.Server, parent)
            : Source.StartActivity(procedure.Value, ActivityKind.Server);

    /// <summary>What to send of a span with a call; null when there is none, or it is not of the W3C's form.</summary>
    public static string? TraceParentOf(Activity? span) => span is { IdFormat: ActivityIdFormat.W3C } ? span.Id : null;
}
