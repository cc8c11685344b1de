using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Diagnostics;

/// <summary>Log events of calls: 1100 to 1199.</summary>
internal static partial class CallLog
{
    [LoggerMessage(1100, LogLevel.Warning, "A handler failed on a call of {CallerId} ({Suppressed} more since the last such line)")]
    public static partial void HandlerFailed(this ILogger logger, NodeId callerId, long suppressed, Exception exception);

    [LoggerMessage(1101, LogLevel.Warning, "{CallerId} may not call {Procedure}: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void CallNotPermitted(this ILogger logger, NodeId callerId, ProcedureName procedure, string detail, long suppressed);

    [LoggerMessage(1102, LogLevel.Debug, "{Procedure} is advertised")]
    public static partial void ProcedureAdvertised(this ILogger logger, ProcedureName procedure);

    [LoggerMessage(1103, LogLevel.Debug, "{Procedure} is withdrawn")]
    public static partial void ProcedureWithdrawn(this ILogger logger, ProcedureName procedure);
}
