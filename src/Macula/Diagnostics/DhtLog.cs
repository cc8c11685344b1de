using Macula.Protocols.Kademlia;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Diagnostics;

/// <summary>Log events of the DHT: 1200 to 1299.</summary>
internal static partial class DhtLog
{
    [LoggerMessage(1200, LogLevel.Information, "The node has joined its realm; it knows {Nodes} others")]
    public static partial void Joined(this ILogger logger, int nodes);

    [LoggerMessage(1201, LogLevel.Warning, "The node cannot join realm {RealmId} and goes on trying: {Reason} ({Suppressed} more since the last such line)")]
    public static partial void JoinFailed(this ILogger logger, RealmId realmId, string reason, long suppressed);

    [LoggerMessage(1202, LogLevel.Debug, "Lookup of {Target} ended ({End}) after {Queries} queries in {Rounds} rounds with {Records} records")]
    public static partial void LookupFinished(this ILogger logger, DhtKey target, LookupEnd end, int queries, int rounds, int records);

    [LoggerMessage(1203, LogLevel.Debug, "{WatcherId} did not answer a push and has lost its watches")]
    public static partial void WatcherLost(this ILogger logger, NodeId watcherId);

    [LoggerMessage(1204, LogLevel.Debug, "{HolderId} did not take the record under {Key}: {Reason}")]
    public static partial void RecordNotTaken(this ILogger logger, NodeId holderId, DhtKey key, string reason);

    [LoggerMessage(1205, LogLevel.Information, "The node waits for others to find it: {Reason}")]
    public static partial void WaitsForOthers(this ILogger logger, string reason);

    [LoggerMessage(1206, LogLevel.Warning, "The clocks of this machine and of {HolderId} differ, so that it does not hold this node's records: {Reason} ({Suppressed} more since the last such line)")]
    public static partial void ClocksDiffer(this ILogger logger, NodeId holderId, string reason, long suppressed);

    [LoggerMessage(1207, LogLevel.Warning, "A record that came from {PeerId} is not used, with {Code}: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void RecordRefused(this ILogger logger, NodeId peerId, ErrorCode code, string detail, long suppressed);
}
