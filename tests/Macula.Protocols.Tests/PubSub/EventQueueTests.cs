using Macula.Protocols.PubSub;
using Macula.Protocols.Tests.Kademlia;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.Tests.PubSub;

/// <summary>docs/protocol/10-pubsub.md [PUB-14].</summary>
public sealed class EventQueueTests
{
    private static readonly TopicName A = TopicName.Parse("a");
    private static readonly TopicName B = TopicName.Parse("b");
    private static readonly TopicName C = TopicName.Parse("c");

    [Fact]
    public void EventsComeOutInTheirOrder()
    {
        var queue = new EventQueue<int>(10, 100, OverflowPolicy.DropOldest);
        Assert.Equal(EnqueueOutcome.Queued, queue.Enqueue(1, A, 10));
        Assert.Equal(EnqueueOutcome.Queued, queue.Enqueue(2, B, 20));
        Assert.Equal((2, 30L), (queue.Count, queue.Bytes));
        Assert.Equal([1, 2], Drain(queue));
        Assert.Equal((0, 0L), (queue.Count, queue.Bytes));
        Assert.False(queue.TryPollEpisode(out _));
    }

    [Fact]
    public void FullQueueDropsItsOldestByNumberAndByBytes()
    {
        var queue = new EventQueue<int>(3, 100, OverflowPolicy.DropOldest);
        Fill(queue, 1, 2, 3);
        Assert.Equal(EnqueueOutcome.QueuedDroppingOlder, queue.Enqueue(4, A, 10));
        Assert.Equal(EnqueueOutcome.QueuedDroppingOlder, queue.Enqueue(5, A, 85));
        Assert.Equal([4, 5], Drain(queue));
        Assert.Equal(3, queue.DroppedEvents);
    }

    [Fact]
    public void FullQueueDropsTheNewEvent()
    {
        var queue = new EventQueue<int>(2, 100, OverflowPolicy.DropNewest);
        Fill(queue, 1, 2);
        Assert.Equal(EnqueueOutcome.Dropped, queue.Enqueue(3, A, 1));
        Assert.Equal([1, 2], Drain(queue));
    }

    [Fact]
    public void NewestEventOfEachTopicStaysAndGoesToTheEnd()
    {
        var queue = new EventQueue<int>(2, 100, OverflowPolicy.LatestOnly);
        Assert.Equal(EnqueueOutcome.Queued, queue.Enqueue(1, A, 1));
        Assert.Equal(EnqueueOutcome.Queued, queue.Enqueue(2, B, 1));
        Assert.Equal(EnqueueOutcome.QueuedDroppingOlder, queue.Enqueue(3, A, 1));
        Assert.Equal([2, 3], Drain(queue));

        Fill(queue, 4);
        queue.Enqueue(5, B, 1);
        Assert.Equal(EnqueueOutcome.QueuedDroppingOlder, queue.Enqueue(6, C, 1));
        Assert.Equal([5, 6], Drain(queue));
    }

    [Fact]
    public void OverflowClosesAQueueThatDisconnects()
    {
        var queue = new EventQueue<int>(2, 100, OverflowPolicy.Disconnect);
        Fill(queue, 1, 2);
        Assert.False(queue.IsClosed);
        Assert.Equal(EnqueueOutcome.Closed, queue.Enqueue(3, A, 1));
        Assert.True(queue.IsClosed);
        Assert.Equal([1, 2], Drain(queue));
        Assert.Equal(EnqueueOutcome.Closed, queue.Enqueue(4, A, 1));
        Assert.Equal(1, queue.DroppedEvents);
    }

    [Theory]
    [InlineData(OverflowPolicy.DropOldest)]
    [InlineData(OverflowPolicy.DropNewest)]
    [InlineData(OverflowPolicy.LatestOnly)]
    public void EventThatNoQueueOfThisSizeHoldsIsDroppedAlone(OverflowPolicy policy)
    {
        var queue = new EventQueue<int>(2, 100, policy);
        Fill(queue, 1);
        Assert.Equal(EnqueueOutcome.Dropped, queue.Enqueue(2, A, 101));
        Assert.Equal([1], Drain(queue));
    }

    [Fact]
    public void EpisodeIsToldOnceWhenTheQueueHasBeenEmptied()
    {
        var queue = new EventQueue<int>(2, 100, OverflowPolicy.DropOldest);
        Fill(queue, 1, 2, 3);
        Assert.Equal(new DropEpisode(1, 10), queue.CurrentEpisode);
        Assert.True(queue.TryDequeue(out _));
        Fill(queue, 4, 5);
        Assert.False(queue.TryPollEpisode(out _));

        Drain(queue);

        Assert.Null(queue.CurrentEpisode);
        Assert.True(queue.TryPollEpisode(out var episode));
        Assert.Equal(new DropEpisode(2, 20), episode);
        Assert.False(queue.TryPollEpisode(out _));

        Fill(queue, 6, 7, 8);
        Drain(queue);
        Assert.True(queue.TryPollEpisode(out episode));
        Assert.Equal(new DropEpisode(1, 10), episode);
        Assert.Equal(3, queue.DroppedEvents);
    }

    [Fact]
    public void SteadyFlowAllocatesNothing()
    {
        var queue = new EventQueue<int>(100, 1000, OverflowPolicy.DropOldest);
        Fill(queue, 1, 2, 3);
        Drain(queue);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
        {
            queue.Enqueue(round, A, 1);
            queue.Enqueue(round, B, 1);
            queue.TryDequeue(out _);
            queue.TryDequeue(out _);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(OverflowPolicy.DropOldest)]
    [InlineData(OverflowPolicy.DropNewest)]
    [InlineData(OverflowPolicy.LatestOnly)]
    [InlineData(OverflowPolicy.Disconnect)]
    public void QueueBehavesLikeAPlainList(OverflowPolicy policy)
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var random = new SplitMix(seed);
            var queue = new EventQueue<int>(5, 50, policy);
            var model = new QueueModel(5, 50, policy);
            for (var step = 0; step < 400; step++)
            {
                if (random.Next(5) < 3)
                {
                    var (topic, bytes) = (new[] { A, B, C }[random.Next(3)], random.Next(12) == 0 ? 51 : random.Next(20));
                    Assert.Equal(model.Enqueue(step, topic, bytes), queue.Enqueue(step, topic, bytes));
                }
                else
                {
                    Assert.Equal(model.Dequeue(), queue.TryPeek(out var first) && queue.TryDequeue(out var item) && first == item ? item : null);
                }

                Assert.True(queue.Count <= 5 && queue.Bytes <= 50, $"seed {seed}, step {step}");
                Assert.Equal((model.Items.Count, model.Dropped), (queue.Count, queue.DroppedEvents));
                Assert.Equal(model.PollEpisode(), queue.TryPollEpisode(out var episode) ? episode.Events : 0);
            }
        }
    }

    private static void Fill(EventQueue<int> queue, params int[] items)
    {
        foreach (var item in items)
        {
            queue.Enqueue(item, A, 10);
        }
    }

    private static List<int> Drain(EventQueue<int> queue)
    {
        var items = new List<int>();
        while (queue.TryDequeue(out var item))
        {
            items.Add(item);
        }

        return items;
    }

    /// <summary>The same, as slow and plain as can be.</summary>
    private sealed class QueueModel(int maxEvents, int maxBytes, OverflowPolicy policy)
    {
        private long _episode;
        private long _finished;
        private bool _isClosed;

        public List<(int Item, TopicName Topic, int Bytes)> Items { get; } = [];

        public long Dropped { get; private set; }

        public EnqueueOutcome Enqueue(int item, TopicName topic, int bytes)
        {
            var before = Dropped;
            if (_isClosed)
            {
                return EnqueueOutcome.Closed;
            }

            if (!Fits(bytes) && (policy is OverflowPolicy.Disconnect or OverflowPolicy.DropNewest || bytes > maxBytes))
            {
                _isClosed = policy == OverflowPolicy.Disconnect;
                Drop(1);
                return _isClosed ? EnqueueOutcome.Closed : EnqueueOutcome.Dropped;
            }

            if (policy == OverflowPolicy.LatestOnly)
            {
                Drop(Items.RemoveAll(queued => queued.Topic == topic));
            }

            while (!Fits(bytes))
            {
                Items.RemoveAt(0);
                Drop(1);
            }

            Items.Add((item, topic, bytes));
            return Dropped == before ? EnqueueOutcome.Queued : EnqueueOutcome.QueuedDroppingOlder;
        }

        public int? Dequeue()
        {
            if (Items.Count == 0)
            {
                return null;
            }

            var item = Items[0].Item;
            Items.RemoveAt(0);
            return item;
        }

        public long PollEpisode()
        {
            if (Items.Count == 0)
            {
                (_finished, _episode) = (_episode, 0);
            }

            var finished = _finished;
            _finished = 0;
            return finished;
        }

        private bool Fits(int bytes) => Items.Count < maxEvents && Items.Sum(queued => queued.Bytes) + bytes <= maxBytes;

        private void Drop(int count)
        {
            Dropped += count;
            _episode += count;
        }
    }
}
