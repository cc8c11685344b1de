using System.Net;
using Microsoft.Extensions.Logging;

namespace Macula.Transport.Quic.Diagnostics;

/// <summary>What the transport tells an operator. Ids 2000 to 2099; retired ids stay reserved.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(2000, LogLevel.Information, "Endpoint bound to {LocalEndPoint}, ngtcp2 {LibraryVersion}")]
    public static partial void EndpointBound(this ILogger logger, IPEndPoint localEndPoint, string libraryVersion);

    [LoggerMessage(2001, LogLevel.Information, "Endpoint {LocalEndPoint} closed")]
    public static partial void EndpointClosed(this ILogger logger, IPEndPoint localEndPoint);

    [LoggerMessage(2002, LogLevel.Debug, "Connection with {RemoteEndPoint} up as {Role}, server name {ServerName}")]
    public static partial void HandshakeCompleted(this ILogger logger, IPEndPoint remoteEndPoint, ConnectionRole role, string serverName);

    [LoggerMessage(2003, LogLevel.Debug, "Connection with {RemoteEndPoint} ended: {Origin} {Code} {Reason}")]
    public static partial void ConnectionEnded(this ILogger logger, IPEndPoint remoteEndPoint, ConnectionEndOrigin origin, ulong code, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "Refused: {Refusal}, {RefusedCount} times since the last line, last from {RemoteEndPoint}: {Detail}")]
    public static partial void Refused(this ILogger logger, Refusal refusal, long refusedCount, IPEndPoint remoteEndPoint, string detail);

    [LoggerMessage(2005, LogLevel.Error, "A callback failed; connection with {RemoteEndPoint} is closed")]
    public static partial void CallbackFailed(this ILogger logger, Exception exception, IPEndPoint remoteEndPoint);

    [LoggerMessage(2006, LogLevel.Error, "The handler of raw packets threw, which it must not, {FailedCount} times since the last line")]
    public static partial void RawHandlerFailed(this ILogger logger, Exception exception, long failedCount);

    [LoggerMessage(2007, LogLevel.Critical, "The loop of endpoint {LocalEndPoint} failed; all its connections are lost")]
    public static partial void LoopFailed(this ILogger logger, Exception exception, IPEndPoint localEndPoint);

    [LoggerMessage(2008, LogLevel.Warning, "Sending to {RemoteEndPoint} failed with errno {Errno}, {FailedCount} times since the last line")]
    public static partial void SendFailed(this ILogger logger, IPEndPoint remoteEndPoint, int errno, long failedCount);

    [LoggerMessage(2009, LogLevel.Information, "The kernel lacks {Feature} (errno {Errno}); sending and receiving go on without it, more slowly")]
    public static partial void FeatureMissing(this ILogger logger, string feature, int errno);

    [LoggerMessage(2010, LogLevel.Error, "A step of the loop for {Target} failed; only that ends")]
    private static partial void StepFailed(this ILogger logger, Exception exception, string target);

    /// <summary>Writes <see cref="StepFailed"/> where nothing may throw.</summary>
    public static void NoteStepFailed(this ILogger logger, Exception exception, string target)
    {
#pragma warning disable CA1031
        try
        {
            logger.StepFailed(exception, target);
        }

        // A logger is the application's, and may throw; then nobody is left to tell, and the loop goes on.
        catch (Exception)
        {
            return;
        }
#pragma warning restore CA1031
    }
}
