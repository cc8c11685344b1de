using System.Net;
using Macula.Wire.Identifiers;

namespace Macula.Wire.Tests.Records;

public sealed class NodeAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:1", AddressScopes.Loopback)]
    [InlineData("[::1]:1", AddressScopes.Loopback)]
    [InlineData("169.254.1.1:1", AddressScopes.Link)]
    [InlineData("[fe80::1]:1", AddressScopes.Link)]
    [InlineData("10.1.2.3:1", AddressScopes.Private)]
    [InlineData("172.31.255.255:1", AddressScopes.Private)]
    [InlineData("192.168.0.1:1", AddressScopes.Private)]
    [InlineData("100.64.0.1:1", AddressScopes.Private)]
    [InlineData("[fd00::1]:1", AddressScopes.Private)]
    [InlineData("8.8.8.8:1", AddressScopes.Global)]
    [InlineData("172.32.0.1:1", AddressScopes.Global)]
    [InlineData("[2606:4700::1111]:1", AddressScopes.Global)]
    [InlineData("8.8.8.8:0", AddressScopes.None)]
    [InlineData("0.0.0.0:1", AddressScopes.None)]
    [InlineData("224.0.0.1:1", AddressScopes.None)]
    [InlineData("255.255.255.255:1", AddressScopes.None)]
    [InlineData("[ff02::1]:1", AddressScopes.None)]
    [InlineData("[::]:1", AddressScopes.None)]
    [InlineData("192.0.2.1:1", AddressScopes.None)]
    [InlineData("[2001:db8::1]:1", AddressScopes.None)]
    public void ScopeSaysFromWhereAnAddressCanBeReached(string text, AddressScopes scope) =>
        Assert.Equal(scope, NodeAddress.From(IPEndPoint.Parse(text)).Scope);

    // [FRM-41]
    [Fact]
    public void MappedAddressIsTheAddressItself()
    {
        var mapped = NodeAddress.From(IPEndPoint.Parse("[::ffff:10.0.0.1]:9443"));

        Assert.Equal(NodeAddress.From(IPEndPoint.Parse("10.0.0.1:9443")), mapped);
        Assert.Equal("10.0.0.1:9443", mapped.ToString());
        Assert.Equal(6, mapped.WireBytes);
    }

    [Fact]
    public void AddressReadsBackFromItsBytes()
    {
        foreach (var text in new[] { "10.0.0.1:9443", "[2606:4700::1111]:65535", "255.255.255.255:0" })
        {
            var address = NodeAddress.From(IPEndPoint.Parse(text));
            var bytes = new byte[address.WireBytes];
            address.CopyTo(bytes);
            Assert.True(NodeAddress.TryRead(bytes, out var again));
            Assert.Equal(address, again);
            Assert.Equal(text, again.ToEndPoint().ToString());
        }
    }
}
