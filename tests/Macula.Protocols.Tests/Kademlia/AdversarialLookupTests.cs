using Macula.Protocols.Kademlia;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>Every lookup ends, whatever is answered: docs/protocol/08-kademlia.md [KAD-16].</summary>
public sealed class AdversarialLookupTests
{
    private static readonly LookupOptions Options = new();

    private readonly SplitMix _random = new(1);
    private readonly NodeId _self;
    private int _number;

    public AdversarialLookupTests() => _self = Given.Node(_random);

    private delegate void Answer(Lookup lookup, LookupOutput.Query query, Instant now);

    [Fact]
    public void EndsWhenEveryAnswerNamesTenThousandNodes() => AssertEnds((lookup, query, now) => lookup.HandleNodes(query.To.Node, Anybody(10_000), now));

    [Fact]
    public void EndsAtItsLimitWhenEveryAnswerNamesNodesThatAreEverNearer()
    {
        var result = AssertEnds((lookup, query, now) => lookup.HandleNodes(query.To.Node, [.. Enumerable.Range(0, 20).Select(_ => Nearer(query.To.Node))], now));

        Assert.Equal((LookupEnd.QueryLimit, Options.MaxQueries), (result.End, result.Queries));
    }

    [Fact]
    public void EndsWhenEveryAnswerNamesTheAskerAndTheAsked() =>
        AssertEnds((lookup, query, now) => lookup.HandleNodes(query.To.Node, [Given.Contact(_self), query.To, query.To], now));

    [Fact]
    public void EndsWhenLiarsNameOnlyEachOther()
    {
        var liars = Anybody(40);
        AssertEnds((lookup, query, now) => lookup.HandleNodes(query.To.Node, [.. liars.OrderBy(_ => _random.NextUInt64()).Take(20)], now));
    }

    [Fact]
    public void EndsWhenNobodyAnswers() => AssertEnds((_, _, _) => { });

    [Fact]
    public void EndsWhenEverybodyFails() => AssertEnds((lookup, query, _) => lookup.HandleFailed(query.To.Node));

    [Fact]
    public void EndsWhenEveryNodeIsNamedAtEverOtherAddresses() =>
        AssertEnds((lookup, query, now) =>
        {
            if (_random.Next(2) == 0)
            {
                lookup.HandleFailed(query.To.Node);
            }
            else
            {
                lookup.HandleNodes(query.To.Node, [.. Anybody(3), Given.Contact(Given.Node(new SplitMix((ulong)_random.Next(50))), ++_number)], now);
            }
        });

    [Fact]
    public void EndsWhenPagesNeverEnd() =>
        AssertEnds(
            (lookup, query, now) =>
            {
                var publisher = query.After is { } after ? JustAfter(after) : NodeId.Read(new byte[NodeId.ByteCount]);
                lookup.HandleRecords(query.To.Node, [Given.Provider(publisher)], publisher, Anybody(20), now, Given.WallStart);
            },
            LookupGoal.Records);

    [Fact]
    public void EndsWithoutFurtherPagesWhenEachBringsTheSameRecord() // [KAD-15]
    {
        var result = AssertEnds(
            (lookup, query, now) =>
            {
                Assert.True(query.After is null || query.After.Value <= JustAfter(_self));
                lookup.HandleRecords(query.To.Node, [Given.Provider(_self)], JustAfter(query.After ?? _self), [], now, Given.WallStart);
            },
            LookupGoal.Records);

        Assert.Equal(LookupEnd.EnoughHolders, result.End);
    }

    [Fact]
    public void EndsWhenAnswersStayInVerificationForEver() => AssertEnds((lookup, query, now) => lookup.HandleReceived(query.To.Node, now), LookupGoal.Records);

    [Fact]
    public void EndsUnderAnyMixtureOfAnswers()
    {
        for (var round = 0; round < 200; round++)
        {
            AssertEnds((lookup, query, now) =>
            {
                switch (_random.Next(6))
                {
                    case 0:
                        break;
                    case 1:
                        lookup.HandleFailed(query.To.Node);
                        break;
                    case 2:
                        lookup.HandleNodes(Given.Node(_random), Anybody(5), now);
                        break;
                    case 3:
                        lookup.HandleNodes(query.To.Node, [Nearer(query.To.Node), query.To, Given.Contact(_self)], now);
                        break;
                    default:
                        lookup.HandleNodes(query.To.Node, Anybody(_random.Next(30)), now);
                        lookup.HandleNodes(query.To.Node, Anybody(_random.Next(30)), now);
                        break;
                }
            });
        }
    }

    private LookupResult AssertEnds(Answer answer, LookupGoal goal = LookupGoal.Nodes)
    {
        var lookup = new Lookup(goal, Given.ProcedureKey, _self, Anybody(20), new QueryTimeouts(), Options, Given.Start);
        var (now, queries) = (Given.Start, 0);
        LookupResult? result = null;
        while (result is null)
        {
            while (lookup.TryPoll(now, out var output))
            {
                if (output is LookupOutput.Finished(var finished))
                {
                    result = finished;
                    break;
                }

                var query = Assert.IsType<LookupOutput.Query>(output);
                Assert.NotEqual(_self, query.To.Node);
                queries++;
                answer(lookup, query, now);
            }

            if (result is null)
            {
                var wake = lookup.PollTimeout();
                Assert.True(wake > now && wake <= Given.Start + Options.MaxDuration, $"Woken at {wake}, now is {now}.");
                now = wake;
                lookup.HandleTimeout(now);
            }
        }

        Assert.InRange(queries, 1, Options.MaxQueries + Options.MaxPages);
        Assert.InRange(result.Queries, 1, Options.MaxQueries);
        Assert.InRange(result.Closest.Length, 0, KademliaConstants.BucketSize);
        Assert.DoesNotContain(result.Closest, contact => contact.Node == _self);
        return result;
    }

    private Contact[] Anybody(int count) => [.. Enumerable.Range(0, count).Select(_ => Given.Contact(Given.Node(_random), ++_number))];

    // Shares one bit more with the target than the node that names it.
    private Contact Nearer(NodeId than)
    {
        var shared = Math.Min(Given.ProcedureKey.DistanceTo(than).SharedPrefixBits + 1, 150);
        Span<byte> bytes = stackalloc byte[NodeId.ByteCount];
        Given.ProcedureKey.CopyTo(bytes);
        return Given.Contact(Given.NodeAt(NodeId.Read(bytes), shared, _random), ++_number);
    }

    private static NodeId JustAfter(NodeId node)
    {
        Span<byte> bytes = stackalloc byte[NodeId.ByteCount];
        node.CopyTo(bytes);
        for (var index = bytes.Length - 1; index >= 0 && ++bytes[index] == 0; index--)
        {
        }

        return NodeId.Read(bytes);
    }
}
