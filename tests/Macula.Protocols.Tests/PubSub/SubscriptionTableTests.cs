using System.Diagnostics;
using Macula.Protocols.PubSub;
using Macula.Protocols.Tests.Kademlia;
using Macula.Wire;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.Tests.PubSub;

/// <summary>docs/protocol/10-pubsub.md [PUB-13].</summary>
public sealed class SubscriptionTableTests
{
    private static readonly string[] Segments = ["a", "b", "c", "*", "**"];

    [Fact] // [PUB-13]
    public void EachSubscriptionIsFoundOnceInTheOrderOfSubscribing()
    {
        var table = new SubscriptionTable<int>();
        string[] patterns = ["**", "a.**", "b.*", "a.*", "a.b", "**.b", "a.b.**", "a.*", "**.a.**.b", "**.**"];
        for (var number = 0; number < patterns.Length; number++)
        {
            Assert.True(table.TryAdd(TopicPattern.Parse(patterns[number]), number, out _));
        }

        Assert.Equal([0, 1, 3, 4, 5, 6, 7, 8, 9], Match(table, "a.b"));
        Assert.Equal([0, 1, 9], Match(table, "a"));
        Assert.Equal([0, 9], Match(table, "d.d"));
        Assert.Equal([0, 2, 5, 9], Match(table, "b.b"));
    }

    [Fact]
    public void SubscriptionThatWasTakenOutIsNotFound()
    {
        var table = new SubscriptionTable<int>();
        table.TryAdd(TopicPattern.Parse("a.*"), 1, out var first);
        table.TryAdd(TopicPattern.Parse("a.*"), 2, out var second);
        table.TryAdd(TopicPattern.Parse("a.*"), 3, out var third);

        Assert.True(table.Remove(second));
        Assert.Equal([1, 3], Match(table, "a.b"));
        Assert.True(table.Remove(third));
        Assert.True(table.Remove(first));
        Assert.Empty(Match(table, "a.b"));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void IdIsGoodForItsOwnSubscriptionAlone()
    {
        var table = new SubscriptionTable<int>();
        table.TryAdd(TopicPattern.Parse("a"), 1, out var first);
        Assert.True(table.Remove(first));
        table.TryAdd(TopicPattern.Parse("a"), 2, out var second);

        Assert.False(table.Remove(first));
        Assert.False(table.Remove(default));
        Assert.False(table.Remove(new SubscriptionId(second.Number, 1_000_000)));
        Assert.False(table.Remove(new SubscriptionId(second.Number, -1)));
        Assert.Equal([2], Match(table, "a"));
        Assert.True(table.Remove(second));
        Assert.False(table.Remove(second));
    }

    [Fact]
    public void FullTableTakesNoMore()
    {
        var table = new SubscriptionTable<int>(2);
        Assert.True(table.TryAdd(TopicPattern.Parse("a"), 1, out var first));
        Assert.True(table.TryAdd(TopicPattern.Parse("a"), 2, out _));
        Assert.False(table.TryAdd(TopicPattern.Parse("b"), 3, out _));
        Assert.Empty(Match(table, "b"));
        Assert.True(table.Remove(first));
        Assert.True(table.TryAdd(TopicPattern.Parse("b"), 3, out _));
    }

    [Fact] // [PUB-13] [NAM-5]
    public void TableAgreesWithMatchingEveryPattern()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var random = new SplitMix(seed);
            var table = new SubscriptionTable<int>();
            var held = new List<(SubscriptionId Id, TopicPattern Pattern, int Number)>();
            for (var step = 0; step < 600; step++)
            {
                if (random.Next(3) > 0 || held.Count == 0)
                {
                    var pattern = TopicPattern.Parse(Text(random, Segments.Length));
                    Assert.True(table.TryAdd(pattern, step, out var id));
                    held.Add((id, pattern, step));
                }
                else
                {
                    var index = random.Next(held.Count);
                    Assert.True(table.Remove(held[index].Id));
                    held.RemoveAt(index);
                }

                var topic = TopicName.Parse(Text(random, 3));
                Assert.Equal(held.Where(entry => entry.Pattern.Matches(topic)).Select(entry => entry.Number), Match(table, topic.Value));
                Assert.Equal(held.Count, table.Count);
            }

            Assert.All(held, entry => Assert.True(table.Remove(entry.Id)));
            Assert.Empty(Match(table, "a"));
        }
    }

    [Fact]
    public void WildcardsMultiplyNothing()
    {
        // Tried one after another, the placements of these '**' would be thousands of millions.
        var table = new SubscriptionTable<int>();
        table.TryAdd(TopicPattern.Parse("**.a.**.a.**.a.**.a.**.a.**.a.**.a.**.b"), 1, out _);
        table.TryAdd(TopicPattern.Parse("**.*.**.*.**.*.**.*.**.*.**.*.**.*.**.b"), 2, out _);
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < 1000; round++)
        {
            Assert.Empty(Match(table, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"));
        }

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    [Fact]
    public void MatchingAllocatesNothing()
    {
        var table = new SubscriptionTable<int>();
        foreach (var (number, pattern) in new[] { "a.*", "a.**", "**.b", "c" }.Index())
        {
            table.TryAdd(TopicPattern.Parse(pattern), number, out _);
        }

        var topic = TopicName.Parse("a.b");
        var found = new List<int>();
        table.Match(topic, found);
        Assert.Equal(3, found.Count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
        {
            found.Clear();
            table.Match(topic, found);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void SubscriptionsOfOthersCostLittle()
    {
        const int Count = 100_000;
        // The patterns themselves are held by who subscribes.
        var patterns = Enumerable.Range(0, Count).Select(number => TopicPattern.Parse(Pattern(number))).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var table = new SubscriptionTable<int>(Count);
        for (var number = 0; number < Count; number++)
        {
            Assert.True(table.TryAdd(patterns[number], number, out _));
        }

        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Count;
        var topics = Enumerable.Range(0, 10_000).Select(number => TopicName.Parse($"site-{number * 7 % Count}.sensor.load")).ToArray();
        var found = new List<int>();
        var times = new List<double>();
        for (var round = 0; round < 3; round++)
        {
            times.Clear();
            foreach (var topic in topics)
            {
                found.Clear();
                var start = Stopwatch.GetTimestamp();
                table.Match(topic, found);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                Assert.InRange(found.Count, 1, 2);
            }
        }

        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"{bytes:F0} bytes per subscription, p50 {times[times.Count / 2]:F2} us, p99 {times[times.Count * 99 / 100]:F2} us");
        Assert.True(bytes <= 600, $"{bytes} bytes for each subscription.");
        // A scan of all patterns would take milliseconds.
        Assert.True(times[times.Count / 2] < 100, $"{times[times.Count / 2]} us.");

        static string Pattern(int number) => (number % 3) switch
        {
            0 => $"site-{number}.sensor.load",
            1 => $"site-{number}.sensor.*",
            _ => $"site-{number}.**",
        };
    }

    private static List<int> Match(SubscriptionTable<int> table, string topic)
    {
        var found = new List<int>();
        table.Match(TopicName.Parse(topic), found);
        return found;
    }

    private static string Text(RandomSource random, int alphabet) =>
        string.Join('.', Enumerable.Range(0, 1 + random.Next(4)).Select(_ => Segments[random.Next(alphabet)]));
}
