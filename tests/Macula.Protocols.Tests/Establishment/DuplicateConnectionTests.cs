using Macula.Protocols.Establishment;
using Macula.Wire.Identifiers;

namespace Macula.Protocols.Tests.Establishment;

/// <summary>docs/protocol/06-connection.md [CON-5] to [CON-7].</summary>
public sealed class DuplicateConnectionTests
{
    private static readonly NodeId Lower = NodeIds.Numbered(1);
    private static readonly NodeId Higher = NodeIds.Numbered(2);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BothSidesKeepTheConnectionThatTheLowerNodeDialled(bool lowerDialsFirst) // [CON-5]
    {
        var lowersOwn = new ConnectionOrigin(Dialled.ByThisNode, Instance: 20);
        var highersAtLower = new ConnectionOrigin(Dialled.ByOtherNode, Instance: 20);
        var highersOwn = new ConnectionOrigin(Dialled.ByThisNode, Instance: 10);
        var lowersAtHigher = new ConnectionOrigin(Dialled.ByOtherNode, Instance: 10);

        var (atLower, atHigher) = lowerDialsFirst
            ? (DuplicateConnection.ArrivingStays(Lower, Higher, lowersOwn, highersAtLower), DuplicateConnection.ArrivingStays(Higher, Lower, lowersAtHigher, highersOwn))
            : (DuplicateConnection.ArrivingStays(Lower, Higher, highersAtLower, lowersOwn), DuplicateConnection.ArrivingStays(Higher, Lower, highersOwn, lowersAtHigher));

        Assert.Equal(!lowerDialsFirst, atLower);
        Assert.Equal(!lowerDialsFirst, atHigher);
    }

    [Theory]
    [InlineData(Dialled.ByThisNode, Dialled.ByThisNode)]
    [InlineData(Dialled.ByThisNode, Dialled.ByOtherNode)]
    [InlineData(Dialled.ByOtherNode, Dialled.ByThisNode)]
    [InlineData(Dialled.ByOtherNode, Dialled.ByOtherNode)]
    public void ANodeThatWasRestartedReplacesItsOldConnection(Dialled before, Dialled after) // [CON-6]
    {
        Assert.True(DuplicateConnection.ArrivingStays(Lower, Higher, new ConnectionOrigin(before, 1), new ConnectionOrigin(after, 2)));
        Assert.True(DuplicateConnection.ArrivingStays(Higher, Lower, new ConnectionOrigin(before, 1), new ConnectionOrigin(after, 2)));
    }

    [Theory]
    [InlineData(Dialled.ByThisNode)]
    [InlineData(Dialled.ByOtherNode)]
    public void TheNewerOfTwoFromTheSameSideStays(Dialled by) // [CON-7]
    {
        Assert.True(DuplicateConnection.ArrivingStays(Lower, Higher, new ConnectionOrigin(by, 1), new ConnectionOrigin(by, 1)));
        Assert.True(DuplicateConnection.ArrivingStays(Higher, Lower, new ConnectionOrigin(by, 1), new ConnectionOrigin(by, 1)));
    }
}
