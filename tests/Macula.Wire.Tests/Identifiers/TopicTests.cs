using System.Text;
using System.Text.Json;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;

namespace Macula.Wire.Tests.Identifiers;

/// <summary>docs/protocol/00-conventions.md: topics and patterns, with the vectors of tests/vectors/topics.json.</summary>
public sealed class TopicTests
{
    // More segments than the longest pattern tried here: what stands for '**' cannot be eaten by single wildcards.
    private const int LongGap = 5;

    private static readonly JsonElement Vectors =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "topics.json"))).RootElement;

    // Every pattern of up to three segments over two names and both wildcards.
    private static readonly string[] SmallPatterns = [.. Sequences(["a", "b", "*", "**"], 3).Where(text => text.Length > 0)];

    [Fact]
    public void TopicsAreEqualByTheirText()
    {
        Assert.True(TopicName.Parse("sensor.load") == TopicName.Parse("sensor.load"));
        Assert.True(TopicName.Parse("sensor.load") != TopicName.Parse("sensor.Load"));
        Assert.False(TopicName.Parse("sensor.load") == null);
    }

    [Theory] // [NAM-1] [NAM-2]
    [InlineData("sensor.load", true)]
    [InlineData("A-b_9", true)]
    [InlineData("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", true)]
    [InlineData("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", false)]
    [InlineData("", false)]
    [InlineData("a..b", false)]
    [InlineData("a.*", false)]
    [InlineData("**", false)]
    [InlineData("a b", false)]
    public void TopicObeysTheRuleForNames(string text, bool isTopic)
    {
        Assert.Equal(isTopic, TopicName.TryParse(text, out var parsed));
        Assert.Equal(isTopic, TopicName.TryRead(Encoding.UTF8.GetBytes(text), out var read));
        Assert.Equal(parsed, read);
        Assert.Equal(isTopic ? text : null, read?.Value);
        if (!isTopic)
        {
            Assert.Contains("is not a topic", Assert.Throws<ArgumentException>(() => TopicName.Parse(text)).Message, StringComparison.Ordinal);
        }
    }

    [Fact] // [NAM-2]
    public void NamesAndPatternsEndAt255Bytes()
    {
        Assert.True(TopicName.TryParse(new string('a', 255), out _));
        Assert.False(TopicName.TryParse(new string('a', 256), out _));
        Assert.True(TopicPattern.TryParse(new string('a', 253) + ".*", out _));
        Assert.False(TopicPattern.TryParse(new string('a', 254) + ".*", out _));
        Assert.False(TopicPattern.TryRead(new byte[1000], out _));
    }

    [Fact] // [NAM-3]
    public void NamesDifferByCase()
    {
        Assert.NotEqual(TopicName.Parse("a"), TopicName.Parse("A"));
        Assert.NotEqual(TopicPattern.Parse("a.*"), TopicPattern.Parse("A.*"));
        Assert.Equal(TopicPattern.Parse("a.*").GetHashCode(), TopicPattern.Parse("a.*").GetHashCode());
        Assert.True(TopicPattern.Parse("a.*") < TopicPattern.Parse("a.a"));
    }

    [Fact] // [NAM-4]
    public void StarsStandOnlyAsWholeSegments()
    {
        foreach (var text in Vectors.GetProperty("noPatterns").EnumerateArray().Select(text => text.GetString()!))
        {
            Assert.False(TopicPattern.TryParse(text, out _), text);
            Assert.False(TopicPattern.TryRead(Encoding.UTF8.GetBytes(text), out _), text);
            Assert.Throws<ArgumentException>(() => TopicPattern.Parse(text));
        }

        Assert.All(SmallPatterns, text => Assert.Equal(text, TopicPattern.TryRead(Encoding.UTF8.GetBytes(text), out var pattern) ? pattern.Value : null));
    }

    [Fact] // [NAM-5]
    public void VectorsMatch()
    {
        foreach (var vector in Vectors.GetProperty("matches").EnumerateArray())
        {
            var (pattern, name) = (vector.GetProperty("pattern").GetString()!, vector.GetProperty("name").GetString()!);
            Assert.Equal((pattern, name, vector.GetProperty("matches").GetBoolean()), (pattern, name, TopicPattern.Parse(pattern).Matches(TopicName.Parse(name))));
        }
    }

    [Fact] // [NAM-6]
    public void VectorsAreCovered()
    {
        foreach (var vector in Vectors.GetProperty("covers").EnumerateArray())
        {
            var (pattern, other) = (vector.GetProperty("pattern").GetString()!, vector.GetProperty("other").GetString()!);
            Assert.Equal((pattern, other, vector.GetProperty("covers").GetBoolean()), (pattern, other, TopicPattern.Parse(pattern).Covers(TopicPattern.Parse(other))));
        }
    }

    [Fact] // [PUB-1]
    public void LiteralPrefixEndsBeforeTheFirstWildcard()
    {
        foreach (var vector in Vectors.GetProperty("literalPrefixes").EnumerateArray())
        {
            var pattern = TopicPattern.Parse(vector.GetProperty("pattern").GetString()!);
            Assert.Equal(vector.GetProperty("prefix").GetString(), pattern.LiteralPrefix.Value);
            Assert.Equal(pattern.LiteralPrefix.Value.Length == 0, pattern.LiteralPrefix.IsRoot);
        }
    }

    [Fact]
    public void TopicHasAPrefixForEverySegmentAndTheRoot()
    {
        Assert.Equal(["", "a", "a.bc", "a.bc.d"], TopicName.Parse("a.bc.d").Prefixes().Select(prefix => prefix.Value));
        Assert.Equal(17, TopicName.Parse("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p").Prefixes().Length);
        Assert.Equal(TopicPattern.Of(TopicName.Parse("a.b")).LiteralPrefix, TopicName.Parse("a.b").Prefixes()[^1]);
        Assert.Equal(TopicPrefix.Root, TopicName.Parse("a").Prefixes()[0]);
    }

    [Fact] // [PUB-2]
    public void EveryTopicThatMatchesHasThePatternsPrefix()
    {
        var topics = Topics(["a", "b"], 4);
        foreach (var pattern in SmallPatterns.Select(TopicPattern.Parse))
        {
            Assert.All(topics.Where(pattern.Matches), topic => Assert.Contains(pattern.LiteralPrefix, topic.Prefixes()));
        }
    }

    [Fact] // [NAM-5]
    public void MatchingAgreesWithTryingEveryReplacement()
    {
        var topics = Topics(["a", "b"], 5);
        foreach (var text in SmallPatterns)
        {
            var pattern = TopicPattern.Parse(text);
            Assert.All(topics, topic => Assert.Equal(Slow(text.Split('.'), topic.Value.Split('.')), pattern.Matches(topic)));
        }
    }

    [Fact] // [NAM-6]
    public void WhatIsCoveredMatches()
    {
        var topics = Topics(["a", "b"], 5);
        var patterns = SmallPatterns.Select(TopicPattern.Parse).ToArray();
        var matching = patterns.ToDictionary(pattern => pattern, pattern => topics.Where(pattern.Matches).ToHashSet());
        var pairs = patterns.SelectMany(_ => patterns, (pattern, other) => (pattern, other)).Where(pair => pair.pattern.Covers(pair.other)).ToArray();
        Assert.All(pairs, pair => Assert.True(matching[pair.other].IsSubsetOf(matching[pair.pattern]), $"{pair.pattern} {pair.other}"));
        Assert.True(pairs.Length > 500, $"{pairs.Length} pairs.");
    }

    [Fact] // [NAM-6]
    public void PatternWithoutAdjoiningWildcardsCoversAllThatItMatches()
    {
        var (covered, uncovered) = (0, 0);
        foreach (var text in SmallPatterns.Where(text => !text.Contains("*.**", StringComparison.Ordinal) && !text.Contains("**.*", StringComparison.Ordinal)))
        {
            var pattern = TopicPattern.Parse(text);
            foreach (var other in SmallPatterns)
            {
                // A segment that no pattern names stands for whatever a wildcard may be, and a gap is tried in every length that could matter.
                var contains = Instances(other.Split('.')).All(name => Slow(text.Split('.'), name));
                Assert.True(contains == pattern.Covers(TopicPattern.Parse(other)), $"{text} {other}");
                covered += contains ? 1 : 0;
                uncovered += contains ? 0 : 1;
            }
        }

        Assert.True(covered > 200 && uncovered > 200, $"{covered} {uncovered}");
    }

    [Fact]
    public void ManyWildcardsAreMatchedInBoundedTime()
    {
        // Tried naively, eight '**' would be placed in thousands of millions of ways.
        var pattern = TopicPattern.Parse("**.a.**.a.**.a.**.a.**.a.**.a.**.a.**.b");
        var topic = TopicName.Parse("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a");
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var round = 0; round < 1000; round++)
        {
            Assert.False(pattern.Matches(topic));
        }

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    [Fact]
    public void MatchingAllocatesNothing()
    {
        var (pattern, topic) = (TopicPattern.Parse("a.*.**.d"), TopicName.Parse("a.b.c.d"));
        Assert.True(pattern.Matches(topic));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
        {
            pattern.Matches(topic);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact] // [PUB-6]
    public void LaneFollowsFromTheTopic()
    {
        foreach (var vector in Vectors.GetProperty("lanes").EnumerateArray())
        {
            var topic = vector.GetProperty("topic").GetString()!;
            Assert.Equal((topic, vector.GetProperty("lane").GetInt32()), (topic, EventLanes.LaneOf(TopicName.Parse(topic))));
        }
    }

    [Theory]
    [InlineData("sensor.{0}")]
    [InlineData("site-{0}.load")]
    public void TopicsThatDifferByANumberSpreadOverAllLanes(string form)
    {
        var lanes = Enumerable.Range(0, 1000).Select(number => EventLanes.LaneOf(TopicName.Parse(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, number)))).CountBy(lane => lane);
        Assert.Equal(EventLanes.MaxPerConnection, lanes.Count());
        Assert.All(lanes, lane => Assert.InRange(lane.Value, 25, 125));
    }

    private static TopicName[] Topics(string[] segments, int most) => [.. Sequences(segments, most).Where(text => text.Length > 0).Select(TopicName.Parse)];

    private static IEnumerable<string> Sequences(string[] segments, int most) => most == 0
        ? [""]
        : Sequences(segments, most - 1).SelectMany(shorter => segments.Select(segment => shorter.Length == 0 ? segment : $"{shorter}.{segment}").Append(shorter)).Distinct();

    private static IEnumerable<string[]> Instances(string[] pattern) => pattern is []
        ? [[]]
        : Instances(pattern[1..]).SelectMany(rest => pattern[0] switch
        {
            "*" => [["x", .. rest]],
            "**" => Enumerable.Range(0, LongGap).Select(length => (string[])[.. Enumerable.Repeat("x", length), .. rest]),
            var literal => (IEnumerable<string[]>)[[literal, .. rest]],
        });

    private static bool Slow(ReadOnlySpan<string> pattern, ReadOnlySpan<string> name) =>
        pattern.IsEmpty ? name.IsEmpty
        : pattern[0] == "**" ? Slow(pattern[1..], name) || (!name.IsEmpty && Slow(pattern, name[1..]))
        : !name.IsEmpty && (pattern[0] == "*" || pattern[0] == name[0]) && Slow(pattern[1..], name[1..]);
}
