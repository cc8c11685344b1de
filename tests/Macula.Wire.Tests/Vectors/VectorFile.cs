using System.Text.Json;

namespace Macula.Wire.Tests.Vectors;

/// <summary>The language-neutral vectors in tests/vectors.</summary>
internal static class VectorFile
{
    private static readonly Lazy<JsonElement> Frames = new(() => Load("frames.json"));
    private static readonly Lazy<JsonElement> MessagePack = new(() => Load("messagepack.json"));

    public static IReadOnlyList<FrameVector> AcceptedFrames { get; } =
        [.. Frames.Value.GetProperty("frames").EnumerateArray().Select(vector => new FrameVector(
            Text(vector, "name"),
            Text(vector, "type"),
            Bytes(vector, "hex"),
            Text(vector, "direction") == "both",
            vector.GetProperty("fields")))];

    public static IReadOnlyList<RefusedVector> RefusedFrames { get; } = Refused(Frames.Value);

    public static IReadOnlyList<(byte[] Bytes, ulong Number)> Varints { get; } =
        [.. Frames.Value.GetProperty("varints").EnumerateArray().Select(vector => (Bytes(vector, "bytes"), vector.GetProperty("number").GetUInt64()))];

    public static IReadOnlyList<byte[]> OverlongVarints { get; } =
        [.. Frames.Value.GetProperty("overlongVarints").EnumerateArray().Select(vector => Convert.FromHexString(vector.GetString()!))];

    public static IReadOnlyList<ValueVector> AcceptedValues { get; } =
        [.. MessagePack.Value.GetProperty("values").EnumerateArray().Select(vector => new ValueVector(
            Text(vector, "name"),
            Bytes(vector, "hex"),
            vector.GetProperty("shortest").GetBoolean(),
            vector.GetProperty("json").GetRawText()))];

    public static IReadOnlyList<RefusedVector> RefusedValues { get; } = Refused(MessagePack.Value);

    private static RefusedVector[] Refused(JsonElement file) =>
        [.. file.GetProperty("refused").EnumerateArray().Select(vector => new RefusedVector(
            Text(vector, "name"),
            Bytes(vector, "hex"),
            Text(vector, "requirement"),
            vector.TryGetProperty("code", out var code) ? code.GetInt32() : null))];

    private static string Text(JsonElement vector, string member) => vector.GetProperty(member).GetString()!;

    private static byte[] Bytes(JsonElement vector, string member) => Convert.FromHexString(Text(vector, member));

    private static JsonElement Load(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", name)), new JsonDocumentOptions { MaxDepth = 128 }).RootElement;
}

internal sealed record FrameVector(string Name, string Type, byte[] Bytes, bool IsShortest, JsonElement Fields);

internal sealed record ValueVector(string Name, byte[] Bytes, bool IsShortest, string Json);

internal sealed record RefusedVector(string Name, byte[] Bytes, string Requirement, int? Code);
