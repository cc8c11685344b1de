using System.Text.Json;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Tests.Frames;
using Macula.Wire.Tests.Fuzzing;
using Macula.Wire.Time;

namespace Macula.Wire.Tests.Records;

/// <summary>The golden records of tests/vectors/records.json, both ways: [REC-1] to [REC-6].</summary>
public sealed class RecordVectorTests
{
    private static readonly JsonElement File =
        JsonDocument.Parse(System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "records.json"))).RootElement;

    private static IEnumerable<JsonElement> Accepted => File.GetProperty("records").EnumerateArray();

    // [REC-1]
    [Fact]
    public void KeyFollowsFromKindRealmAndName()
    {
        foreach (var vector in File.GetProperty("keys").EnumerateArray())
        {
            var realm = Realm(vector);
            var name = vector.GetProperty("name").GetString()!;
            var key = vector.GetProperty("kind").GetString() == "provider"
                ? DhtKey.OfProviders(realm, ProcedureName.Parse(name))
                : DhtKey.OfNode(realm, NodeId.Read(Convert.FromHexString(name)));
            Assert.Equal(vector.GetProperty("key").GetString(), key.ToString());
        }
    }

    [Fact]
    public void GoldenRecordDecodesToItsFieldsAndBack()
    {
        foreach (var vector in Accepted)
        {
            var bytes = Bytes(vector);
            Assert.True(SignedRecord.TryRead(bytes, out var record, out var error), error.Detail);
            var fields = vector.GetProperty("fields");
            Assert.Equal(BodyOf(fields), record.Body);
            Assert.Equal(fields.GetProperty("key").GetString(), record.Body.Key.ToString());
            Assert.Equal(bytes, SignedRecord.Join(BodyOf(fields), record.Signature).Bytes.ToArray());
        }
    }

    // [REC-2] to [REC-6]
    [Fact]
    public void BrokenRecordIsRefusedByTheRequirementItBreaks()
    {
        foreach (var vector in File.GetProperty("refused").EnumerateArray())
        {
            Assert.False(SignedRecord.TryRead(Bytes(vector), out _, out var error), vector.GetProperty("name").GetString());
            Assert.Equal((vector.GetProperty("name").GetString(), vector.GetProperty("requirement").GetString()), (vector.GetProperty("name").GetString(), error.Requirement));
            Assert.Equal(ErrorCode.RecordInvalid, error.Code);
        }
    }

    // [REC-3]
    [Fact]
    public void MutatedRecordIsRefusedOrHasOneEncoding()
    {
        var seeds = Accepted.Select(Bytes).ToArray();
        var random = new SeededRandom(1);
        var mutator = new Mutator(random);
        var understood = 0;
        for (var iteration = 0; iteration < 200_000; iteration++)
        {
            var input = mutator.Mutate(seeds[random.Next(seeds.Length)], seeds[random.Next(seeds.Length)]);
            if (SignedRecord.TryRead(input, out var record, out var error))
            {
                understood++;
                Assert.True(input.Span.SequenceEqual(SignedRecord.Join(record.Body, record.Signature).Bytes.Span), $"Iteration {iteration}: {Convert.ToHexStringLower(input.Span)}");
            }
            else
            {
                Assert.Equal(ErrorCode.RecordInvalid, error.Code);
            }
        }

        Assert.True(understood > 1000, $"{understood} mutations were understood.");
    }

    private static RecordBody BodyOf(JsonElement fields)
    {
        RecordContent content = fields.GetProperty("kind").GetString() == "provider"
            ? new RecordContent.Provider(ProcedureName.Parse(fields.GetProperty("procedure").GetString()!), fields.GetProperty("version").GetUInt32(), fields.GetProperty("load").GetInt32())
            : new RecordContent.Node(DhtFrameFields.Addresses(fields, "addresses"), [.. fields.GetProperty("gateways").EnumerateArray().Select(DhtFrameFields.Node)]);
        CertificateHash.TryRead(Convert.FromHexString(fields.GetProperty("certificate").GetString()!), out var certificate);
        return new RecordBody(
            Realm(fields),
            DhtFrameFields.Node(fields.GetProperty("publisher")),
            certificate,
            fields.GetProperty("sequence").GetInt64(),
            new WallTime(fields.GetProperty("issued").GetInt64()),
            TimeSpan.FromSeconds(fields.GetProperty("timeToLiveSeconds").GetInt32()),
            fields.GetProperty("withdrawn").GetBoolean() ? RecordState.Withdrawn : RecordState.Live,
            content);
    }

    private static RealmId Realm(JsonElement fields) => RealmId.Read(Convert.FromHexString(fields.GetProperty("realm").GetString()!));

    private static byte[] Bytes(JsonElement vector) => Convert.FromHexString(vector.GetProperty("hex").GetString()!);
}
