using System.Collections.Immutable;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Protocols.PubSub;

/// <summary>Which nodes have begun and ceased to subscribe to a topic.</summary>
/// <param name="Joined">Those that subscribe now and did not when this was last told, in the order of their ids.</param>
/// <param name="Left">Those that did and no longer do, in the order of their ids.</param>
/// <param name="Renewed">Those that go on, and have published their record anew: as they do at times, or since they have been started again. In the order of their ids.</param>
public readonly record struct SubscribersChange(ImmutableArray<NodeId> Joined, ImmutableArray<NodeId> Left, ImmutableArray<NodeId> Renewed);

/// <summary>The nodes to which a publisher sends the events of one topic, as the records under the prefixes of the topic have it (docs/protocol/10-pubsub.md [PUB-2], [PUB-4]).</summary>
/// <remarks>A core: performs no I/O and reads no clock. Who feeds it watches the keys, and lets the policy judge each record.</remarks>
public sealed class TopicSubscribers
{
    /// <summary>Default of the most subscribers: 16,384, as many as a holder keeps under one key.</summary>
    public const int DefaultMaxSubscribers = 16_384;

    private readonly TopicName _topic;
    private readonly NodeId _self;
    private readonly int _maxSubscribers;
    private readonly ImmutableArray<(NodeId Node, long Sequence)>[] _byKey;
    private readonly SortedSet<NodeId> _renewed = [];
    private ImmutableArray<NodeId> _told = [];

    /// <summary>Begins without subscribers.</summary>
    /// <param name="realm">The realm of the topic.</param>
    /// <param name="topic">What is published.</param>
    /// <param name="self">The publisher, which sends nothing to itself.</param>
    /// <param name="maxSubscribers">Most subscribers, at least 1; of more, those with the smallest ids are served, see <see cref="Unserved"/>.</param>
    public TopicSubscribers(RealmId realm, TopicName topic, NodeId self, int maxSubscribers = DefaultMaxSubscribers)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSubscribers, 1);
        _topic = topic;
        _self = self;
        _maxSubscribers = maxSubscribers;
        Keys = [.. topic.Prefixes().Select(prefix => DhtKey.OfSubscribers(realm, prefix))];
        _byKey = [.. Keys.Select(_ => ImmutableArray<(NodeId, long)>.Empty)];
    }

    /// <summary>The keys to watch: the realm's root key first, then one for each prefix of the topic; 2 to 17.</summary>
    public ImmutableArray<DhtKey> Keys { get; }

    /// <summary>The subscribers, each once, in the order of their ids.</summary>
    public ImmutableArray<NodeId> Subscribers { get; private set; } = [];

    /// <summary>How many subscribers are beyond the limit and get nothing; 0 in all but the largest realms.</summary>
    public int Unserved { get; private set; }

    /// <summary>What is known of a key has changed.</summary>
    /// <param name="key">One of <see cref="Keys"/>; another is passed over.</param>
    /// <param name="live">All records under it that hold now and that the policy permits, in any order; those that say something else than <see cref="RecordContent.Subscriber"/> are passed over.</param>
    /// <remarks>Costs a match for each pattern, and a sort of all subscribers when those under the key have changed.</remarks>
    public void HandleRecords(DhtKey key, IEnumerable<VerifiedRecord> live)
    {
        ArgumentNullException.ThrowIfNull(live);
        var index = Keys.IndexOf(key);
        if (index < 0)
        {
            return;
        }

        ImmutableArray<(NodeId Node, long Sequence)> subscribers =
            [.. live.Where(record => record.Key == key && Subscribes(record)).Select(record => (record.Publisher, record.Body.Sequence)).OrderBy(entry => entry.Publisher)];
        if (subscribers.AsSpan().SequenceEqual(_byKey[index].AsSpan()))
        {
            return;
        }

        NoteRenewed(_byKey[index], subscribers);
        _byKey[index] = subscribers;
        ImmutableArray<NodeId> all = [.. _byKey.SelectMany(entries => entries).Select(entry => entry.Node).Distinct().Order()];
        Unserved = Math.Max(0, all.Length - _maxSubscribers);
        Subscribers = Unserved == 0 ? all : all[.._maxSubscribers];
    }

    /// <summary>Says who joined, who left and who published anew since it was last asked; false when nobody did.</summary>
    public bool TryPollChange(out SubscribersChange change)
    {
        var told = _told;
        var current = Subscribers;
        change = new SubscribersChange(Without(current, told), Without(told, current), [.. _renewed.Where(node => Holds(current, node) && Holds(told, node))]);
        _told = current;
        _renewed.Clear();
        return !change.Joined.IsEmpty || !change.Left.IsEmpty || !change.Renewed.IsEmpty;
    }

    // Both are in the order of ids, so one walk finds those that are in both.
    private void NoteRenewed(ImmutableArray<(NodeId Node, long Sequence)> before, ImmutableArray<(NodeId Node, long Sequence)> after)
    {
        var index = 0;
        foreach (var (node, sequence) in after)
        {
            while (index < before.Length && before[index].Node < node)
            {
                index++;
            }

            if (index < before.Length && before[index].Node == node && before[index].Sequence < sequence)
            {
                _renewed.Add(node);
            }
        }
    }

    private bool Subscribes(VerifiedRecord record) =>
        record.Publisher != _self
        && !record.IsTombstone
        && record.Body.Content is RecordContent.Subscriber subscriber
        && subscriber.Patterns.Any(pattern => pattern.Matches(_topic));

    private static ImmutableArray<NodeId> Without(ImmutableArray<NodeId> nodes, ImmutableArray<NodeId> others) =>
        [.. nodes.Where(node => !Holds(others, node))];

    private static bool Holds(ImmutableArray<NodeId> nodes, NodeId node) => nodes.BinarySearch(node) >= 0;
}
