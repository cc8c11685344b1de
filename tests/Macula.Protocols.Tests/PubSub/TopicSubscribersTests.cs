using Macula.Protocols.PubSub;
using Macula.Protocols.Tests.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Protocols.Tests.PubSub;

/// <summary>docs/protocol/10-pubsub.md [PUB-2], [PUB-4].</summary>
public sealed class TopicSubscribersTests
{
    private static readonly NodeId Self = NodeIds.Numbered(100);
    private static readonly Given.Trusting Check = new();

    private readonly TopicSubscribers _subscribers = new(Given.Realm, TopicName.Parse("sensor.load"), Self);

    [Fact] // [PUB-2]
    public void KeysAreThoseOfAllPrefixesOfTheTopic()
    {
        var patterns = new[] { "**", "sensor.*", "sensor.load" };
        Assert.Equal(patterns.Select(pattern => DhtKey.OfSubscribers(Given.Realm, TopicPattern.Parse(pattern).LiteralPrefix)), _subscribers.Keys);
        Assert.Equal(17, new TopicSubscribers(Given.Realm, TopicName.Parse("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p"), Self).Keys.Length);
    }

    [Fact] // [PUB-4]
    public void MatchingSubscribersStandOnceInTheOrderOfTheirIds()
    {
        Handle(2, Record(3, "sensor.load"), Record(1, "sensor.load"));
        Handle(1, Record(3, "sensor.*", "sensor.**"), Record(2, "sensor.*.fine"), Record(4, "sensor.*.fine", "sensor.**.load"));
        Handle(0, Record(1, "**"), Record(5, "*"));

        AssertSubscribers(1, 3, 4);
    }

    [Fact] // [PUB-4]
    public void PublisherTombstonesAndOtherRecordsAreNoSubscribers()
    {
        Handle(2, Record(100, "sensor.load"), Take(1, Content("sensor.load"), RecordState.Withdrawn), Given.Provider(NodeIds.Numbered(2)));
        // A record that stands elsewhere does not count here.
        Handle(1, Record(3, "sensor.load"));
        AssertSubscribers();
    }

    [Fact]
    public void ChangeIsToldOnce()
    {
        Assert.False(_subscribers.TryPollChange(out _));
        Handle(1, Record(1, "sensor.*"), Record(2, "sensor.*"));
        AssertChange([1, 2], []);
        Assert.False(_subscribers.TryPollChange(out _));

        // Another record for the same node changes nothing.
        Handle(2, Record(1, "sensor.load"));
        Assert.False(_subscribers.TryPollChange(out _));
        Handle(1, Record(2, "sensor.*"), Record(3, "sensor.**"));
        AssertChange([3], []);
        Handle(2);
        AssertChange([], [1]);
    }

    [Fact] // [PUB-12]
    public void WhoPublishesAnewIsToldAsRenewedOnceAndOnlyWhileItGoesOn()
    {
        Handle(1, Take(1, Content("sensor.*"), sequence: 1), Take(2, Content("sensor.*"), sequence: 1));
        AssertChange([1, 2], []);

        Handle(1, Take(1, Content("sensor.*"), sequence: 2), Take(2, Content("sensor.*"), sequence: 1));
        Assert.True(_subscribers.TryPollChange(out var change));
        Assert.Equal([NodeIds.Numbered(1)], change.Renewed);
        Assert.False(_subscribers.TryPollChange(out _));

        // Who comes anew and leaves is gone, and who joins is new.
        Handle(1, Take(1, Content("sensor.*"), sequence: 3));
        Handle(1, Take(3, Content("sensor.*"), sequence: 3));
        Assert.True(_subscribers.TryPollChange(out change));
        Assert.Empty(change.Renewed);
        Assert.Equal([NodeIds.Numbered(3)], change.Joined);
    }

    [Fact]
    public void WhatChangedBackIsNotTold()
    {
        Handle(1, Record(1, "sensor.*"));
        Handle(1);
        Assert.False(_subscribers.TryPollChange(out _));
    }

    [Fact]
    public void OfTooManySubscribersSomeAreServed()
    {
        var subscribers = new TopicSubscribers(Given.Realm, TopicName.Parse("sensor.load"), Self, maxSubscribers: 2);
        subscribers.HandleRecords(subscribers.Keys[1], [Record(3, "sensor.*"), Record(1, "sensor.*"), Record(2, "sensor.*")]);
        Assert.Equal([NodeIds.Numbered(1), NodeIds.Numbered(2)], subscribers.Subscribers);
        Assert.Equal(1, subscribers.Unserved);
        subscribers.HandleRecords(subscribers.Keys[1], [Record(3, "sensor.*")]);
        Assert.Equal([NodeIds.Numbered(3)], subscribers.Subscribers);
        Assert.Equal(0, subscribers.Unserved);
    }

    [Fact] // [PUB-4]
    public void SubscribersAgreeWithMatchingEveryRecord()
    {
        string[] patterns = ["**", "*.load", "*", "sensor.*", "sensor.**", "sensor.*.x", "sensor.load", "sensor.load.**", "other"];
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var random = new SplitMix(seed);
            var subscribers = new TopicSubscribers(Given.Realm, TopicName.Parse("sensor.load"), Self);
            var live = new Dictionary<DhtKey, List<VerifiedRecord>>();
            var told = new SortedSet<NodeId>();
            for (var step = 0; step < 100; step++)
            {
                var record = Record((byte)(1 + random.Next(5)), patterns[random.Next(patterns.Length)]);
                var records = live.TryGetValue(record.Key, out var there) ? there : live[record.Key] = [];
                records.RemoveAll(other => other.Publisher == record.Publisher);
                if (random.Next(3) > 0)
                {
                    records.Add(record);
                }

                subscribers.HandleRecords(record.Key, records);
                if (subscribers.TryPollChange(out var change))
                {
                    Assert.All(change.Joined, node => Assert.True(told.Add(node)));
                    Assert.All(change.Left, node => Assert.True(told.Remove(node)));
                }

                var matching = live.Values.SelectMany(held => held)
                    .Where(held => ((RecordContent.Subscriber)held.Body.Content).Patterns.Any(pattern => pattern.Matches(TopicName.Parse("sensor.load"))))
                    .Select(held => held.Publisher).Distinct().Order().ToArray();
                Assert.Equal(matching, subscribers.Subscribers);
                Assert.Equal(matching, told);
            }
        }
    }

    private static VerifiedRecord Record(byte publisher, params string[] patterns) => Take(publisher, Content(patterns), RecordState.Live);

    private static RecordContent.Subscriber Content(params string[] patterns)
    {
        Assert.True(RecordContent.Subscriber.TryCreate(patterns.Select(TopicPattern.Parse), out var content));
        return content;
    }

    private static VerifiedRecord Take(byte publisher, RecordContent content, RecordState state = RecordState.Live, long sequence = 1) =>
        Check.Take(new RecordBody(Given.Realm, NodeIds.Numbered(publisher), default, sequence, Given.WallStart, TimeSpan.FromMinutes(30), state, content));

    private void Handle(int key, params VerifiedRecord[] live) => _subscribers.HandleRecords(_subscribers.Keys[key], live);

    private void AssertSubscribers(params byte[] nodes) => Assert.Equal(nodes.Select(NodeIds.Numbered), _subscribers.Subscribers);

    private void AssertChange(byte[] joined, byte[] left)
    {
        Assert.True(_subscribers.TryPollChange(out var change));
        Assert.Equal(joined.Select(NodeIds.Numbered), change.Joined);
        Assert.Equal(left.Select(NodeIds.Numbered), change.Left);
    }
}
