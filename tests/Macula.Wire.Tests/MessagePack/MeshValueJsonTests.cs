using System.Text;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Tests.MessagePack;

/// <summary>[MSG-12]: JSON says every value exactly.</summary>
public sealed class MeshValueJsonTests
{
    [Fact]
    public void JsonOfAValueIsWhatAPersonWouldWrite()
    {
        var value = MeshValue.Map(("a", 5), ("b", 3.0), ("c", "größe \u001b"), ("d", MeshValue.Array(true, MeshValue.Nil)), ("e", new byte[] { 1, 2, 3 }), ("f", 1e300), ("g", ulong.MaxValue));
        Assert.Equal("""{"a":5,"b":3.0,"c":"größe \u001B","d":[true,null],"e":{"$binary":"AQID"},"f":1E+300,"g":18446744073709551615}""", value.ToJson());
        Assert.Equal(value.ToJson(), value.ToString());
    }

    [Theory]
    [InlineData("9007199254740993")]
    [InlineData("-9223372036854775808")]
    [InlineData("18446744073709551615")]
    [InlineData("0.1")]
    [InlineData("-0.0")]
    [InlineData("5E-324")]
    [InlineData("1.7976931348623157E+308")]
    [InlineData("""{"$float":"NaN"}""")]
    [InlineData("""{"$map":[[1,{"$map":[["$map",[]]]}],["x",{"$binary":""}]]}""")]
    [InlineData("""{"$map":[],"x":1}""")]
    [InlineData("""{"$schema":1}""")]
    [InlineData("{}")]
    public void JsonComesBackAsItWas(string json) => Assert.Equal(json, MeshValue.ParseJson(json).ToJson());

    [Fact]
    public void MapsWithIntegerKeysKeepTheirDepth()
    {
        var value = MeshValue.Nil;
        for (var depth = 0; depth < MeshValue.MaxDepth; depth++)
        {
            value = MeshValue.Map((depth, value));
        }

        Assert.Equal(value, MeshValue.ParseJson(value.ToJson()));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("{", "")]
    [InlineData("1 2", "")]
    [InlineData("[1,]", "")]
    [InlineData("nul", "")]
    [InlineData("18446744073709551616", "does not fit 64 bits")]
    [InlineData("-9223372036854775809", "does not fit 64 bits")]
    [InlineData("1e999", "does not fit a double")]
    [InlineData("""{"a":1,"a":2}""", "twice")]
    [InlineData("\"\\ud800\"", "surrogate")]
    [InlineData("""{"\udc00":1}""", "surrogate")]
    [InlineData("""{"$binary":5}""", "base64")]
    [InlineData("""{"$binary":"*"}""", "base64")]
    [InlineData("""{"$float":"1"}""", "NaN")]
    [InlineData("""{"$float":1}""", "string")]
    [InlineData("""{"$map":5}""", "pairs")]
    [InlineData("""{"$map":[[1]]}""", "pairs")]
    [InlineData("""{"$map":[[]]}""", "pairs")]
    [InlineData("""{"$map":[[1,2,3]]}""", "pairs")]
    [InlineData("""{"$map":[[1,2],[1,3]]}""", "twice")]
    [InlineData("""{"$map":[[null,2]]}""", "neither a string nor an integer")]
    public void WhatIsNoValueIsAFormatExceptionThatSaysWhy(string json, string reason)
    {
        Assert.Contains(reason, Assert.Throws<FormatException>(() => MeshValue.ParseJson(json)).Message, StringComparison.Ordinal);
        Assert.False(MeshValue.TryParseJson(Encoding.UTF8.GetBytes(json), out _, out var error));
        Assert.Equal("MSG-12", error.Requirement);
    }

    [Fact]
    public void JsonBeyondTheLimitsIsRefused()
    {
        Assert.Throws<FormatException>(() => MeshValue.ParseJson(new string('[', 33) + new string(']', 33)));
        Assert.Throws<FormatException>(() => MeshValue.ParseJson(new string('[', 100_000)));
        Assert.Throws<FormatException>(() => MeshValue.ParseJson(string.Concat(Enumerable.Repeat("{\"$map\":[[1,", 100_000))));
        Assert.Throws<FormatException>(() => MeshValue.ParseJson("[" + string.Join(',', Enumerable.Repeat('0', MeshValue.MaxElements + 1)) + "]"));
        Assert.False(MeshValue.TryParseJson([0x22, 0xff, 0x22], out _, out var error));
        Assert.Contains("UTF-8", error.Detail, StringComparison.Ordinal);
    }
}
