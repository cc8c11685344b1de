using System.Buffers;
using Macula.Wire.MessagePack;
using Macula.Wire.Tests.Vectors;

namespace Macula.Wire.Tests.MessagePack;

/// <summary>The vectors of tests/vectors/messagepack.json, both ways: [MSG-1] to [MSG-12].</summary>
public sealed class MessagePackVectorTests
{
    public static TheoryData<string> Accepted => [.. VectorFile.AcceptedValues.Select(vector => vector.Name)];

    public static TheoryData<string> Refused => [.. VectorFile.RefusedValues.Select(vector => vector.Name)];

    [Theory]
    [MemberData(nameof(Accepted))]
    public void BytesAndJsonSayTheSameValue(string name)
    {
        var vector = VectorFile.AcceptedValues.Single(candidate => candidate.Name == name);

        Assert.True(MeshValue.TryDecode(vector.Bytes, null, out var value, out var error), error.ToString());

        Assert.Equal(MeshValue.ParseJson(vector.Json), value);
        Assert.Equal(value, MeshValue.ParseJson(value.ToJson()));
        Assert.Equal(value.GetHashCode(), MeshValue.ParseJson(vector.Json).GetHashCode());
    }

    // [MSG-4]
    [Theory]
    [MemberData(nameof(Accepted))]
    public void ValueIsWrittenInItsShortestForm(string name)
    {
        var vector = VectorFile.AcceptedValues.Single(candidate => candidate.Name == name);
        var output = new ArrayBufferWriter<byte>();

        MeshValue.ParseJson(vector.Json).Encode(output);

        if (vector.IsShortest)
        {
            Assert.Equal(Convert.ToHexStringLower(vector.Bytes), Convert.ToHexStringLower(output.WrittenSpan));
        }
        else
        {
            Assert.NotEqual(vector.Bytes, output.WrittenSpan.ToArray());
            Assert.True(MeshValue.TryDecode(output.WrittenSpan, null, out var value, out _));
            Assert.Equal(MeshValue.ParseJson(vector.Json), value);
        }
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void SkipPassesOverExactlyTheValue(string name)
    {
        var vector = VectorFile.AcceptedValues.Single(candidate => candidate.Name == name);
        var reader = new MessagePackReader([.. vector.Bytes, 0xc3]);

        Assert.True(reader.TrySkip());
        Assert.Equal(vector.Bytes.Length, reader.Consumed);
        Assert.True(reader.TryReadBoolean(out var marker) && marker);
        Assert.True(reader.TryEnd());
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void BrokenBytesAreRefusedByTheRequirementTheyBreak(string name)
    {
        var vector = VectorFile.RefusedValues.Single(candidate => candidate.Name == name);

        Assert.False(MeshValue.TryDecode(vector.Bytes, null, out var value, out var error));

        Assert.Equal(vector.Requirement, error.Requirement);
        Assert.True(value.IsNil);
    }
}
