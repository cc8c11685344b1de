using System.Net;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Diagnostics;

/// <summary>Log events of connections: 1000 to 1099.</summary>
internal static partial class ConnectionLog
{
    [LoggerMessage(1000, LogLevel.Information, "Node {NodeId} ({NodeName}) of realm {RealmId} listens on {LocalEndPoint}")]
    public static partial void NodeListens(this ILogger logger, NodeId nodeId, string nodeName, RealmId realmId, IPEndPoint localEndPoint);

    [LoggerMessage(1001, LogLevel.Debug, "Connection to {PeerId} ({PeerName}) at {RemoteEndPoint} is up")]
    public static partial void ConnectionUp(this ILogger logger, NodeId peerId, string peerName, IPEndPoint remoteEndPoint);

    [LoggerMessage(1002, LogLevel.Debug, "Connection to {PeerId} ended: {Reason}")]
    public static partial void ConnectionEnded(this ILogger logger, NodeId peerId, string reason);

    [LoggerMessage(1003, LogLevel.Warning, "Refused a connection from {RemoteEndPoint} with {Code}: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void ConnectionRefused(this ILogger logger, IPEndPoint remoteEndPoint, ErrorCode code, string detail, long suppressed);

    [LoggerMessage(1004, LogLevel.Warning, "{PeerId} broke the protocol with {Code} [{Requirement}]: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void ProtocolViolated(this ILogger logger, NodeId peerId, ErrorCode code, string requirement, string detail, long suppressed);

    [LoggerMessage(1005, LogLevel.Debug, "Two connections to {PeerId}: the one dialled {StayingDialled} stays")]
    public static partial void DuplicateDrains(this ILogger logger, NodeId peerId, string stayingDialled);

    [LoggerMessage(1006, LogLevel.Debug, "A connection that was accepted ended before it was up: {Reason}")]
    public static partial void AcceptedConnectionLost(this ILogger logger, string reason);

    [LoggerMessage(1007, LogLevel.Critical, "The node stops: {Claim}")]
    public static partial void InvariantViolated(this ILogger logger, string claim, Exception exception);

    [LoggerMessage(1008, LogLevel.Warning, "The node has stopped, but {Running} handlers or other tasks of it still run: a handler does not obey its cancellation token")]
    public static partial void WorkLeftBehind(this ILogger logger, int running);

    [LoggerMessage(1009, LogLevel.Debug, "The dial to {RemoteEndPoint} failed with {Code}: {Detail}")]
    public static partial void DialFailed(this ILogger logger, IPEndPoint remoteEndPoint, ErrorCode code, string detail);

    [LoggerMessage(1010, LogLevel.Warning, "Refused a request of {PeerId} with {Code}: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void RequestRefused(this ILogger logger, NodeId peerId, ErrorCode code, string detail, long suppressed);
}
