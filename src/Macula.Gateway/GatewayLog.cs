using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Gateway;

/// <summary>Log events of gateways: 3000 to 3099.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(3000, LogLevel.Error, "Realm {RealmId} is served no more, {RunningRealms} others are: {Reason}")]
    public static partial void RealmEnded(this ILogger logger, RealmId realmId, int runningRealms, string reason, Exception exception);
}
