using Macula.Protocols.PubSub;
using Macula.Protocols.Tests.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Protocols.Tests.PubSub;

/// <summary>docs/protocol/10-pubsub.md [PUB-3].</summary>
public sealed class SubscribedPatternsTests
{
    private readonly SubscribedPatterns _patterns = new();

    [Fact]
    public void PatternsOfOnePrefixStandInOneRecord()
    {
        Add("sensor.*", "alarm", "sensor.**", "*.load");

        Assert.Equal(["sensor: sensor.* sensor.**", "alarm: alarm", ": *.load"], Changes());
        Assert.Empty(Changes());
    }

    [Fact]
    public void RecordChangesWhenItsFirstUseBeginsAndItsLastEnds()
    {
        Add("a.*", "a.*");
        Assert.Equal(["a: a.*"], Changes());
        Add("a.*");
        Assert.Empty(Changes());
        Assert.True(Remove("a.*"));
        Assert.True(Remove("a.*"));
        Assert.Empty(Changes());
        Add("a.**");
        Assert.True(Remove("a.*"));
        Assert.Equal(["a: a.**"], Changes());
        Assert.True(Remove("a.**"));
        Assert.Equal(["a withdrawn"], Changes());
        Assert.False(Remove("a.**"));
    }

    [Fact]
    public void WhatChangedBackIsNotTold()
    {
        Add("a.*");
        Assert.True(Remove("a.*"));
        Assert.Empty(Changes());

        Add("a.*");
        Changes();
        Assert.True(Remove("a.*"));
        Add("a.*");
        Assert.Empty(Changes());
    }

    [Fact]
    public void PatternForWhichARecordHasNoRoomIsRefusedAndChangesNothing()
    {
        for (var number = 0; number < RecordContent.Subscriber.MaxPatterns; number++)
        {
            Add($"a.*.{number}");
        }

        Changes();
        Assert.False(_patterns.TryAdd(TopicPattern.Parse("a.*.last")));
        Assert.Empty(Changes());
        Add("a.*.3", "b.*");
        Assert.Equal(["b: b.*"], Changes());
        Assert.True(Remove("a.*.7"));
        Add("a.*.last");
        Assert.Single(Changes());
    }

    [Fact]
    public void PatternsTooLongForARecordAreRefused()
    {
        foreach (var letter in "abc")
        {
            Add("p.*." + new string(letter, 251));
        }

        Assert.False(_patterns.TryAdd(TopicPattern.Parse("p.*." + new string('d', 251))));
        Add("p.*.d");
    }

    [Fact]
    public void FurtherPrefixIsRefused()
    {
        var patterns = new SubscribedPatterns(maxPrefixes: 2);
        Assert.True(patterns.TryAdd(TopicPattern.Parse("a")));
        Assert.True(patterns.TryAdd(TopicPattern.Parse("b")));
        Assert.False(patterns.TryAdd(TopicPattern.Parse("c")));
        Assert.True(patterns.TryAdd(TopicPattern.Parse("b.*")));
        Assert.True(patterns.Remove(TopicPattern.Parse("a")));
        // The place is free once the withdrawal has been told.
        while (patterns.TryPollChange(out _))
        {
        }

        Assert.True(patterns.TryAdd(TopicPattern.Parse("c")));
    }

    [Fact]
    public void ToldChangesAddUpToWhatIsSubscribed()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var random = new SplitMix(seed);
            var patterns = new SubscribedPatterns();
            var uses = new List<string>();
            var told = new SortedDictionary<string, string>(StringComparer.Ordinal);
            string[] texts = ["a", "a.*", "a.**", "a.*.b", "*", "**", "b", "b.**"];
            for (var step = 0; step < 300; step++)
            {
                var text = texts[random.Next(texts.Length)];
                if (random.Next(2) == 0)
                {
                    Assert.True(patterns.TryAdd(TopicPattern.Parse(text)));
                    uses.Add(text);
                }
                else
                {
                    Assert.Equal(uses.Remove(text), patterns.Remove(TopicPattern.Parse(text)));
                }

                while (random.Next(3) == 0 && patterns.TryPollChange(out var change))
                {
                    Tell(change);
                }
            }

            while (patterns.TryPollChange(out var change))
            {
                Tell(change);
            }

            var expected = uses.Distinct().Order(StringComparer.Ordinal).GroupBy(text => TopicPattern.Parse(text).LiteralPrefix.Value).OrderBy(group => group.Key, StringComparer.Ordinal);
            Assert.Equal(expected.Select(group => $"{group.Key}: {string.Join(' ', group)}"), told.Select(entry => $"{entry.Key}: {entry.Value}"));

            void Tell(PrefixChange change)
            {
                if (change.Content is { } content)
                {
                    told[change.Prefix.Value] = string.Join(' ', content.Patterns);
                }
                else
                {
                    Assert.True(told.Remove(change.Prefix.Value));
                }
            }
        }
    }

    private void Add(params string[] patterns) => Assert.All(patterns, pattern => Assert.True(_patterns.TryAdd(TopicPattern.Parse(pattern)), pattern));

    private bool Remove(string pattern) => _patterns.Remove(TopicPattern.Parse(pattern));

    private List<string> Changes()
    {
        var changes = new List<string>();
        while (_patterns.TryPollChange(out var change))
        {
            changes.Add(change.Content is { } content ? $"{change.Prefix}: {string.Join(' ', content.Patterns)}" : $"{change.Prefix} withdrawn");
        }

        return changes;
    }
}
