using System.Buffers;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Tests.MessagePack;

public sealed class MeshValueTests
{
    [Fact]
    public void ValuesAreWrittenAsTheyAreMeant()
    {
        var value = MeshValue.Map(
            ("a", 5),
            ("b", MeshValue.Array(1u, 2L, 3UL, 0.5, 0.25f, "x", true, new byte[] { 1 }, MeshValue.Nil, (string?)null)),
            (7, ulong.MaxValue));

        Assert.Equal(5, value["a"].AsInt32());
        Assert.Equal(3, value.Count);
        Assert.Equal(10, value["b"].Count);
        Assert.Equal(0.25, value["b"][4].AsDouble());
        Assert.True(value["b"][6].AsBoolean());
        Assert.Equal(new byte[] { 1 }, value["b"][7].AsBinary().ToArray());
        Assert.True(value["b"][9].IsNil);
        Assert.True(value.TryGet(7, out var seven));
        Assert.Equal(ulong.MaxValue, seven.AsUInt64());
        Assert.False(value.TryGet("c", out _));
        Assert.False(value.TryGet(0.5, out _));
        Assert.True(default(MeshValue).IsNil);
    }

    [Fact]
    public void AccessOfTheWrongKindSaysWhatWasFound()
    {
        MeshValue text = "x";
        Assert.Equal("The value is a string, not an integer.", Assert.Throws<MeshValueException>(() => text.AsInt64()).Message);
        Assert.Equal("The value is nil, not a string.", Assert.Throws<MeshValueException>(() => MeshValue.Nil.AsString()).Message);
        Assert.Equal("The map has no \"b\".", Assert.Throws<MeshValueException>(() => MeshValue.Map(("a", 1))["b"]).Message);
        Assert.Equal("The value is an array, so it has no \"b\".", Assert.Throws<MeshValueException>(() => MeshValue.Array()["b"]).Message);
        Assert.Equal("The array has 2 elements and none at 2.", Assert.Throws<MeshValueException>(() => MeshValue.Array(1, 2)[2]).Message);
        Assert.Throws<MeshValueException>(() => MeshValue.Array(1)[-1]);
        Assert.Throws<MeshValueException>(() => text.Count);
        Assert.Throws<MeshValueException>(() => text.Items);
        Assert.Throws<MeshValueException>(() => text.Entries);
        Assert.Throws<MeshValueException>(() => text.AsBinary());
        Assert.Throws<MeshValueException>(() => text.AsBoolean());
        Assert.Throws<MeshValueException>(() => text.AsDouble());
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<MeshValueException>(() => text.AsUInt64()).Code);
    }

    [Fact]
    public void IntegersConvertOnlyWhenNothingIsLost()
    {
        MeshValue large = ulong.MaxValue;
        MeshValue negative = -1;
        Assert.Throws<MeshValueException>(() => large.AsInt64());
        Assert.Throws<MeshValueException>(() => negative.AsUInt64());
        Assert.Throws<MeshValueException>(() => ((MeshValue)(1L << 31)).AsInt32());
        Assert.Equal(int.MinValue, ((MeshValue)(long)int.MinValue).AsInt32());
        Assert.Equal(9007199254740992.0, ((MeshValue)(1L << 53)).AsDouble());
        Assert.Throws<MeshValueException>(() => ((MeshValue)((1L << 53) + 1)).AsDouble());
        Assert.Equal(9223372036854775808.0, ((MeshValue)(1UL << 63)).AsDouble());
        Assert.Throws<MeshValueException>(() => large.AsDouble());
    }

    [Fact]
    public void EqualityIsByValueAndMapsHaveNoOrder()
    {
        Assert.Equal(MeshValue.Map(("a", 1), ("b", 2)), MeshValue.Map(("b", 2), ("a", 1)));
        Assert.Equal(MeshValue.Map(("a", 1), ("b", 2)).GetHashCode(), MeshValue.Map(("b", 2), ("a", 1)).GetHashCode());
        Assert.NotEqual(MeshValue.Map(("a", 1), ("b", 2)), MeshValue.Map(("a", 2), ("b", 1)));
        Assert.NotEqual(MeshValue.Map(("a", 1)), MeshValue.Map(("a", 1), ("b", 2)));
        Assert.NotEqual(MeshValue.Array(1, 2), MeshValue.Array(2, 1));
        Assert.Equal<MeshValue>(5, 5UL);
        Assert.NotEqual<MeshValue>(5, 5.0);
        Assert.NotEqual<MeshValue>(-1, ulong.MaxValue);
        Assert.NotEqual<MeshValue>(1, true);
        Assert.NotEqual<MeshValue>(0, MeshValue.Nil);
        Assert.Equal<MeshValue>(double.NaN, -double.NaN);
        Assert.Equal<MeshValue>(0.0, -0.0);
        Assert.Equal(((MeshValue)0.0).GetHashCode(), ((MeshValue)(-0.0)).GetHashCode());
        Assert.NotEqual<MeshValue>("a", new byte[] { 0x61 });
        Assert.True((MeshValue)"a" == "a");
        Assert.True((MeshValue)"a" != "b");
    }

    [Fact]
    public void LargeMapsFindEveryKeyAndRefuseASecondOne()
    {
        var entries = Enumerable.Range(0, 1000).Select(number => ((MeshValue)(number % 2 == 0 ? number : $"k{number}"), (MeshValue)number)).ToArray();
        var map = MeshValue.Map(entries);
        foreach (var (key, value) in entries)
        {
            Assert.True(map.TryGet(key, out var found));
            Assert.Equal(value, found);
        }

        Assert.False(map.TryGet("k0", out _));
        Assert.False(map.TryGet(1, out _));
        Assert.False(map.TryGet(MeshValue.Nil, out _));
        Assert.Equal(entries.Select(entry => entry.Item1), map.Entries.Select(entry => entry.Key));
        Assert.Throws<ArgumentException>(() => MeshValue.Map([.. entries, ("k999", 0)]));
        Assert.Throws<ArgumentException>(() => MeshValue.Map(("a", 1), ("a", 2)));
        Assert.Throws<ArgumentException>(() => MeshValue.Map((1.5, 1)));
    }

    // [MSG-7], [MSG-9]: what no peer would accept cannot be built.
    [Fact]
    public void ValueBeyondTheLimitsCannotBeBuilt()
    {
        var value = MeshValue.Nil;
        for (var depth = 1; depth <= MeshValue.MaxDepth; depth++)
        {
            value = depth % 2 == 0 ? MeshValue.Array(value) : MeshValue.Map(("k", value));
        }

        AssertRoundTrip(value);
        Assert.Throws<ArgumentException>(() => MeshValue.Array(value));
        Assert.Throws<ArgumentException>(() => MeshValue.Map(("k", value)));

        var items = new MeshValue[MeshValue.MaxElements];
        AssertRoundTrip(MeshValue.Array(items));
        Assert.Throws<ArgumentException>(() => MeshValue.Array([.. items, 1]));
        Assert.Throws<ArgumentException>(() => MeshValue.Array(MeshValue.Array(items)));
    }

    [Fact]
    public void HalfASurrogatePairIsNoText()
    {
        Assert.Throws<ArgumentException>(() => (MeshValue)"a\ud800");
        Assert.Throws<ArgumentException>(() => (MeshValue)"\udc00\ud800");
        Assert.Equal("🌍", ((MeshValue)"🌍").AsString());
    }

    [Fact]
    public void BinaryIsACopy()
    {
        byte[] bytes = [1, 2];
        MeshValue value = bytes;
        bytes[0] = 9;
        Assert.Equal(new byte[] { 1, 2 }, value.AsBinary().ToArray());
    }

    private static void AssertRoundTrip(MeshValue value)
    {
        var output = new ArrayBufferWriter<byte>();
        value.Encode(output);
        Assert.True(MeshValue.TryDecode(output.WrittenSpan, null, out var decoded, out var error), error.ToString());
        Assert.Equal(value, decoded);
        Assert.Equal(value, MeshValue.ParseJson(value.ToJson()));
    }
}
