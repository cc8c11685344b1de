using System.Collections.Immutable;
using Macula.Protocols.Kademlia;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>A tombstone that some holder does not take: docs/protocol/09-records.md [REC-18].</summary>
public sealed class TombstoneTests
{
    private static readonly ImmutableArray<StoreAnswer> OneRefuses = [StoreAnswer.Held, StoreAnswer.Refused, StoreAnswer.Held];

    [Fact]
    public void TombstoneThatSomeRefuseIsNotOfferedAfterItsOwnEnd() // [REC-18]
    {
        var options = new PublicationOptions { TimeToLive = RecordBody.MinTimeToLive };
        var publication = new Publication(new RecordContent.Provider(Given.Procedure, 1, 0), -1, options);
        var random = new SplitMix(1);
        var (now, signedAt, attempts) = (Given.Start, Given.Start, 0);
        PublicationOutput? output = null;
        while (output is not PublicationOutput.Withdrawn)
        {
            now = publication.PollTimeout() == Instant.Never ? now : publication.PollTimeout();
            Assert.True(publication.TryPoll(now, Given.WallStart, out output));
            if (output is PublicationOutput.Sign sign)
            {
                signedAt = now;
                publication.HandleSigned(Given.Provider(NodeIds.Numbered(1), sign.Sequence, sign.State, sign.Issued, sign.TimeToLive));
            }
            else if (output is PublicationOutput.Store)
            {
                attempts++;
                Assert.InRange(now - signedAt, TimeSpan.Zero, options.TimeToLive / 2);
                publication.HandleStored(new StoreTally(OneRefuses, -1), now, Given.WallStart, random);
                publication.Withdraw();
            }
        }

        Assert.Equal(Given.Start + options.TimeToLive + RecordSet.MaxClockLead, now);
        Assert.InRange(attempts, 10, 40);
    }
}
