using Macula.PubSub;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula;

/// <content>Publishing events, and subscribing to those of others.</content>
public sealed partial class MaculaPeer
{
    private static readonly PublishOptions DefaultPublish = new();
    private static readonly SubscribeOptions DefaultSubscribe = new();

    /// <summary>Publishes a value to everybody in the realm who subscribes to the topic, at most once to each.</summary>
    /// <param name="topic">1 to 16 segments of letters, digits, '_', '-', separated by dots; at most 255 bytes.</param>
    /// <param name="value">What is published, at most 1 MiB when encoded.</param>
    /// <param name="options">How long to look for subscribers; null takes the defaults.</param>
    /// <param name="cancellationToken">Gives up while subscribers are looked up; the event is not published then.</param>
    /// <returns>What names the event, and to how many nodes it was sent. Whether it arrived nobody says.</returns>
    /// <exception cref="ArgumentException">The name breaks the rules, or the deadline is out of range.</exception>
    /// <exception cref="MaculaException">The policy forbids it, the value is too large, or it could not be found out who subscribes; nothing was sent.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <remarks>
    /// The first event under a topic waits until the DHT has said who subscribes; those that follow cause no traffic but their own. Events of
    /// this node under one topic reach each subscriber in the order of the calls. The span in which the caller publishes goes along (<see cref="MeshEvent.TraceParent"/>).
    /// </remarks>
    public ValueTask<PublishReceipt> PublishAsync(string topic, MeshValue value, PublishOptions? options = null, CancellationToken cancellationToken = default) =>
        PublishAsync(topic, Payload.FromValue(value), options, cancellationToken);

    /// <summary>Publishes a payload of any content type: see <see cref="PublishAsync(string, MeshValue, PublishOptions?, CancellationToken)"/>.</summary>
    /// <inheritdoc cref="PublishAsync(string, MeshValue, PublishOptions?, CancellationToken)"/>
    public ValueTask<PublishReceipt> PublishAsync(string topic, Payload payload, PublishOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(payload);
        return _realm.PublishAsync(TopicName.Parse(topic), payload, options ?? DefaultPublish, cancellationToken);
    }

    /// <summary>Subscribes to the topics that a pattern matches; completes when the subscription is in force.</summary>
    /// <param name="pattern">A topic in which '*' stands for one segment, and '**' for any number of them, also none.</param>
    /// <param name="options">How events are kept for a slow reader; null takes the defaults.</param>
    /// <param name="cancellationToken">Gives up; there is no subscription then.</param>
    /// <returns>The events; dispose it to unsubscribe.</returns>
    /// <exception cref="ArgumentException">The pattern breaks the rules, or an option is out of range.</exception>
    /// <exception cref="MaculaException">The policy forbids it, a limit is reached, the node stops, or the subscription was ended while this waits (<see cref="Wire.Errors.ErrorCode.Cancelled"/>).</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <remarks>
    /// In force means that the nodes nearest to the pattern's key hold it and have told those who publish there ([REC-19]): what they publish from then on
    /// arrives, unless a connection breaks or a reader is too slow. Waits as long as the node has not found its realm. A pattern that begins with a wildcard
    /// is dear: every publisher of the realm keeps it in mind, and its record stands under one key with all others of the kind. A record holds 16 patterns that
    /// begin alike up to their first wildcard.
    /// </remarks>
    public ValueTask<Subscription> SubscribeAsync(string pattern, SubscribeOptions? options = null, CancellationToken cancellationToken = default) =>
        _realm.SubscribeAsync(TopicPattern.Parse(pattern), options ?? DefaultSubscribe, cancellationToken);
}
