using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Microsoft.Extensions.Logging;

namespace Macula.Diagnostics;

/// <summary>Log events of publish/subscribe: 1300 to 1399.</summary>
internal static partial class PubSubLog
{
    [LoggerMessage(1300, LogLevel.Debug, "The subscription to {Pattern} is in force")]
    public static partial void Subscribed(this ILogger logger, TopicPattern pattern);

    [LoggerMessage(1301, LogLevel.Debug, "The subscription to {Pattern} has ended")]
    public static partial void Unsubscribed(this ILogger logger, TopicPattern pattern);

    [LoggerMessage(1302, LogLevel.Debug, "{Topic} has {Joined} subscribers more and {Left} less")]
    public static partial void SubscribersChanged(this ILogger logger, TopicName topic, int joined, int left);

    [LoggerMessage(1303, LogLevel.Warning, "The reader of {Pattern} is too slow: events are dropped ({Suppressed} more since the last such line)")]
    public static partial void SubscriptionFallsBehind(this ILogger logger, TopicPattern pattern, long suppressed);

    [LoggerMessage(1304, LogLevel.Warning, "The reader of {Pattern} has caught up; it lost {Events} events of {Bytes} bytes ({Suppressed} more since the last such line)")]
    public static partial void SubscriptionCaughtUp(this ILogger logger, TopicPattern pattern, long events, long bytes, long suppressed);

    [LoggerMessage(1305, LogLevel.Warning, "{SubscriberId} takes events too slowly: some are dropped ({Suppressed} more since the last such line)")]
    public static partial void SubscriberFallsBehind(this ILogger logger, NodeId subscriberId, long suppressed);

    [LoggerMessage(1306, LogLevel.Warning, "{SubscriberId} has caught up; it lost {Events} events of {Bytes} bytes ({Suppressed} more since the last such line)")]
    public static partial void SubscriberCaughtUp(this ILogger logger, NodeId subscriberId, long events, long bytes, long suppressed);

    [LoggerMessage(1307, LogLevel.Debug, "{SubscriberId} cannot be reached: {Reason}")]
    public static partial void SubscriberNotReached(this ILogger logger, NodeId subscriberId, string reason);

    [LoggerMessage(1308, LogLevel.Warning, "{SubscriberId} refused this node's events with {Code}: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void EventsRefused(this ILogger logger, NodeId subscriberId, ErrorCode code, string detail, long suppressed);

    [LoggerMessage(1309, LogLevel.Warning, "The reader of {Pattern} was too slow, and the subscription has ended, as it is set to")]
    public static partial void SubscriptionOverflowed(this ILogger logger, TopicPattern pattern);

    [LoggerMessage(1310, LogLevel.Warning, "{PublisherId} may not publish under {Topic}: {Detail} ({Suppressed} more since the last such line)")]
    public static partial void EventNotPermitted(this ILogger logger, NodeId publisherId, TopicName topic, string detail, long suppressed);

    [LoggerMessage(1311, LogLevel.Warning, "{Topic} has {Unserved} subscribers more than this node serves, and they get no events ({Suppressed} more since the last such line)")]
    public static partial void SubscribersUnserved(this ILogger logger, TopicName topic, int unserved, long suppressed);

    [LoggerMessage(1312, LogLevel.Warning, "{SubscriberId} was not reached in time after its topics gave way to others: {Events} events of {Bytes} bytes are dropped ({Suppressed} more since the last such line)")]
    public static partial void SubscriberGivenUp(this ILogger logger, NodeId subscriberId, long events, long bytes, long suppressed);
}
