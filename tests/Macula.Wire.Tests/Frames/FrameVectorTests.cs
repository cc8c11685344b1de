using System.Text.Json;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Tests.Vectors;
using Macula.Wire.Time;

namespace Macula.Wire.Tests.Frames;

/// <summary>The golden frames of tests/vectors/frames.json, both ways: [FRM-1] to [FRM-6], [FRM-10] to [FRM-15], [FRM-20] to [FRM-24], [FRM-30] to [FRM-33], [FRM-40] to [FRM-56], [FRM-60] to [FRM-64].</summary>
public sealed class FrameVectorTests
{
    public static TheoryData<string> Accepted => [.. VectorFile.AcceptedFrames.Select(vector => vector.Name)];

    public static TheoryData<string> Refused => [.. VectorFile.RefusedFrames.Select(vector => vector.Name)];

    [Theory]
    [MemberData(nameof(Accepted))]
    public void GoldenFrameDecodesToItsFields(string name)
    {
        var vector = VectorFile.AcceptedFrames.Single(candidate => candidate.Name == name);

        var decoded = Assert.Single(StreamDecoder.Decode(vector.Bytes, out var error));

        Assert.Null(error);
        AssertSame(FromFields(vector), decoded);
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void FieldsEncodeToTheGoldenBytes(string name)
    {
        var vector = VectorFile.AcceptedFrames.Single(candidate => candidate.Name == name);

        var encoded = StreamDecoder.Encode(FromFields(vector));

        if (vector.IsShortest)
        {
            Assert.Equal(Convert.ToHexStringLower(vector.Bytes), Convert.ToHexStringLower(encoded));
        }
        else
        {
            // A longer or newer form: what is written is another spelling of the same.
            Assert.NotEqual(vector.Bytes, encoded);
            AssertSame(FromFields(vector), Assert.Single(StreamDecoder.Decode(encoded, out _)));
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void BrokenStreamIsRefusedByTheRequirementItBreaks(string name)
    {
        var vector = VectorFile.RefusedFrames.Single(candidate => candidate.Name == name);

        var decoded = StreamDecoder.Decode(vector.Bytes, out var error);

        Assert.Empty(decoded);
        Assert.Equal(vector.Requirement, error?.Requirement);
        Assert.Equal((ErrorCode)vector.Code!.Value, error?.Code);
    }

    private static object FromFields(FrameVector vector)
    {
        var fields = vector.Fields;
        return vector.Type switch
        {
            "hello" => new HelloFrame(
                [.. fields.GetProperty("versions").EnumerateArray().Select(version => version.GetUInt32())],
                fields.GetProperty("instance").GetUInt64(),
                [.. fields.GetProperty("features").EnumerateArray().Select(feature => feature.GetString()!)],
                Text(fields, "agent")!),
            "drain" => new DrainFrame((ErrorCode)fields.GetProperty("code").GetInt32(), Enum.Parse<DrainState>(Text(fields, "state")!, ignoreCase: true)),
            "call" => new CallFrame(
                ProcedureName.Parse(Text(fields, "procedure")!),
                TimeSpan.FromMilliseconds(fields.GetProperty("timeLeftMilliseconds").GetInt64()),
                PayloadOf(fields, "argument"),
                fields.GetProperty("idempotent").GetBoolean() ? CallFlags.Idempotent : CallFlags.None,
                Text(fields, "traceParent")),
            "result" => new ResultFrame(PayloadOf(fields, "value")),
            "error" => new ErrorFrame(
                (ErrorCode)fields.GetProperty("code").GetInt32(),
                Text(fields, "message")!,
                Text(fields, "execution") == "started" ? CallExecution.Started : CallExecution.NotStarted),
            "event" => new EventFrame(
                TopicName.Parse(Text(fields, "topic")!),
                new EventId(DhtFrameFields.Node(fields.GetProperty("publisher")), fields.GetProperty("epoch").GetUInt64(), fields.GetProperty("sequence").GetInt64()),
                new WallTime(fields.GetProperty("publishedUnixMilliseconds").GetInt64()),
                fields.GetProperty("hopsLeft").GetInt32(),
                PayloadOf(fields, "payload"),
                Text(fields, "traceParent")),
            _ => DhtFrameFields.ToFrame(vector),
        };
    }

    private static Payload PayloadOf(JsonElement fields, string member) =>
        new((ContentType)fields.GetProperty("contentType").GetInt32(), Convert.FromHexString(Text(fields, member)!));

    private static string? Text(JsonElement fields, string member) => fields.GetProperty(member).GetString();

    private static void AssertSame(object expected, object actual)
    {
        if (expected is HelloFrame expectedHello)
        {
            var actualHello = Assert.IsType<HelloFrame>(actual);
            Assert.Equal<uint>(expectedHello.Versions, actualHello.Versions);
            Assert.Equal(expectedHello.Instance, actualHello.Instance);
            Assert.Equal<string>(expectedHello.Features, actualHello.Features);
            Assert.Equal(expectedHello.Agent, actualHello.Agent);
        }
        else if (actual.GetType().Namespace == typeof(Macula.Wire.Frames.Dht.PingFrame).Namespace)
        {
            Assert.IsType(expected.GetType(), actual);
            Assert.Equal(StreamDecoder.Encode(expected), StreamDecoder.Encode(actual));
        }
        else
        {
            Assert.Equal(expected, actual);
        }
    }
}
