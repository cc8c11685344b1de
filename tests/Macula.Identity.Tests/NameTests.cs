using Macula.Identity.Names;

namespace Macula.Identity.Tests;

/// <summary>docs/protocol/01-identity.md [ID-2], [ID-5].</summary>
public sealed class NameTests
{
    [Theory] // [ID-5]
    [InlineData("a")]
    [InlineData("7")]
    [InlineData("sensor-7.hall_2")]
    public void NodeNamesAreTaken(string text)
    {
        Assert.Equal(text, NodeName.Parse(text).ToString());
        Assert.Equal(NodeName.Parse(text), NodeName.Parse(text));
    }

    [Theory] // [ID-5]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("ä")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("-a")]
    [InlineData("a.")]
    [InlineData("a\n")]
    [InlineData("a%2e")]
    [InlineData("٣")]
    public void OtherNodeNamesAreRefused(string? text) => Assert.False(NodeName.TryParse(text, out _));

    [Fact] // [ID-5]
    public void NodeNameHasSixtyThreeBytesAtMost()
    {
        Assert.True(NodeName.TryParse(new string('a', 63), out _));
        Assert.Throws<ArgumentException>(() => NodeName.Parse(new string('a', 64)));
    }

    [Theory] // [ID-2]
    [InlineData("production")]
    [InlineData("mesh-1.example.org")]
    [InlineData("1.2")]
    public void RealmNamesAreTaken(string text) => Assert.Equal(text, RealmName.Parse(text).ToString());

    [Theory] // [ID-2]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Production")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("-a")]
    [InlineData("a-.b")]
    [InlineData("a_b")]
    [InlineData("ä")]
    public void OtherRealmNamesAreRefused(string? text) => Assert.False(RealmName.TryParse(text, out _));

    [Fact] // [ID-2]
    public void RealmNameHasTwoHundredBytesAtMost()
    {
        var label = new string('a', 63);
        Assert.True(RealmName.TryParse($"{label}.{label}.{label}.{new string('a', 8)}", out _));
        Assert.Throws<ArgumentException>(() => RealmName.Parse($"{label}.{label}.{label}.{new string('a', 9)}"));
        Assert.False(RealmName.TryParse(label + "a", out _));
    }
}
