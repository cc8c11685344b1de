using Macula.Protocols.Kademlia;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>docs/protocol/08-kademlia.md [KAD-20] to [KAD-22].</summary>
public sealed class JoinTests
{
    private static readonly JoinOptions Options = new();

    private readonly SplitMix _random = new(1);

    [Fact]
    public void AnswerThenSelfLookupThenRefreshMakesAMember() // [KAD-20] [KAD-22]
    {
        var join = new Join(Options, Given.Start);

        Assert.Equal(new JoinOutput.AskBootstraps(1), Poll(join, Given.Start));
        join.HandleAnswered();
        Assert.IsType<JoinOutput.LookUpSelf>(Poll(join, Given.Start));
        Assert.False(join.IsJoined);
        join.HandleSelfLookup(3, Given.Start, _random);
        Assert.IsType<JoinOutput.Joined>(Poll(join, Given.Start));
        Assert.True(join.IsJoined);
        Assert.Equal(Instant.Never, join.PollTimeout());
    }

    [Fact]
    public void AttemptsGoOnForEverAndWaitsGrowUpToTheirLimitWithFullJitter() // [KAD-21]
    {
        var join = new Join(Options, Given.Start);
        var now = Given.Start;
        var waits = new List<TimeSpan>();
        for (var attempt = 1; attempt <= 1000; attempt++)
        {
            Assert.Equal(new JoinOutput.AskBootstraps(attempt), Poll(join, now));
            join.HandleUnanswered(now, _random);
            waits.Add(join.PollTimeout() - now);
            Assert.Null(Poll(join, now - TimeSpan.FromTicks(1)));
            now = join.PollTimeout();
        }

        Assert.All(waits.Take(3).Zip([0.5, 1.0, 2.0]), pair => Assert.InRange(pair.First.TotalSeconds, 0, pair.Second));
        Assert.All(waits, wait => Assert.InRange(wait, TimeSpan.Zero, Options.LongestWait));
        Assert.InRange(waits.Skip(10).Average(wait => wait.TotalSeconds), 14, 16);
    }

    [Fact]
    public void SelfLookupThatNobodyAnswersIsNoMembership() // [KAD-21]
    {
        var join = new Join(Options, Given.Start);
        Poll(join, Given.Start);
        join.HandleAnswered();
        Poll(join, Given.Start);
        join.HandleSelfLookup(0, Given.Start, _random);

        Assert.False(join.IsJoined);
        Assert.IsType<JoinOutput.AskBootstraps>(Poll(join, join.PollTimeout()));
    }

    [Fact]
    public void AttemptThatNobodyReportsOnIsMadeAgain() // [KAD-21]
    {
        var join = new Join(Options, Given.Start);
        Poll(join, Given.Start);
        var late = Given.Start + Options.AttemptTimeout;
        Assert.Equal(late, join.PollTimeout());
        join.HandleTimeout(late, _random);

        Assert.Equal(new JoinOutput.AskBootstraps(2), Poll(join, join.PollTimeout()));
    }

    [Fact]
    public void MemberThatLostEverybodyJoinsAgain() // [KAD-22]
    {
        var join = new Join(Options, Given.Start);
        Poll(join, Given.Start);
        join.HandleAnswered();
        Poll(join, Given.Start);
        join.HandleSelfLookup(1, Given.Start, _random);
        Poll(join, Given.Start);
        join.HandleIsolated(Given.Start, _random);

        Assert.False(join.IsJoined);
        Assert.IsType<JoinOutput.AskBootstraps>(Poll(join, join.PollTimeout()));
    }

    private static JoinOutput? Poll(Join join, Instant now) => join.TryPoll(now, out var output) ? output : null;
}
