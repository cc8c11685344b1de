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
            var key = vector.GetProperty("kind").GetString() switch
            {
                "provider" => DhtKey.OfProviders(realm, ProcedureName.Parse(name)),
                "subscriber" => DhtKey.OfSubscribers(realm, name.Length == 0 ? TopicPrefix.Root : TopicPattern.Parse(name).LiteralPrefix),
                _ => DhtKey.OfNode(realm, NodeId.Read(Convert.FromHexString(name))),
            };
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

    // [PUB-3]
    [Fact]
    public void PatternsOfASubscriberAreSortedAndStandOnce()
    {
        var content = Subscriber("s.*.b", "s.**", "s.*", "s.**");
        Assert.Equal(["s.*", "s.**", "s.*.b"], content.Patterns.Select(pattern => pattern.Value));
        Assert.Equal("s", content.Prefix.Value);
        Assert.Equal(content, Subscriber("s.**", "s.*", "s.*.b"));
        Assert.NotEqual(content, Subscriber("s.**", "s.*"));
    }

    // [PUB-3]
    [Fact]
    public void SubscriberThatWouldNotFitIsToldBeforeItIsSigned()
    {
        Assert.False(RecordContent.Subscriber.TryCreate([], out _));
        Assert.False(RecordContent.Subscriber.TryCreate([TopicPattern.Parse("a.*"), TopicPattern.Parse("b.*")], out _));
        Assert.True(RecordContent.Subscriber.TryCreate(Numbered(16), out _));
        Assert.False(RecordContent.Subscriber.TryCreate(Numbered(17), out _));

        // One pattern that takes one byte more, and the record with every other field at its longest would be too long.
        TopicPattern[] longest = [TopicPattern.Parse("p.*." + new string('a', 251)), TopicPattern.Parse("p.*." + new string('b', 251)), TopicPattern.Parse("p.*." + new string('c', 251))];
        var room = RecordContent.Subscriber.MaxPatternBytes - 1 - (3 * 257) - 2;
        Assert.True(RecordContent.Subscriber.TryCreate([.. longest, TopicPattern.Parse("p.*." + new string('d', room - 4))], out var fitting));
        Assert.False(RecordContent.Subscriber.TryCreate([.. longest, TopicPattern.Parse("p.*." + new string('d', room - 3))], out _));
        var body = new RecordBody(default, default, default, long.MaxValue, new WallTime(253_402_300_799_999), RecordBody.MaxTimeToLive, RecordState.Withdrawn, fitting);
        var record = SignedRecord.Join(body, new byte[SignedRecord.SignatureBytes]);
        Assert.Equal(SignedRecord.MaxBytes, record.Bytes.Length);
        Assert.True(SignedRecord.TryRead(record.Bytes, out var read, out _));
        Assert.Equal(body, read.Body);

        static IEnumerable<TopicPattern> Numbered(int count) => Enumerable.Range(0, count).Select(number => TopicPattern.Parse($"s.*.{number}"));
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
        CertificateHash.TryRead(Convert.FromHexString(fields.GetProperty("certificate").GetString()!), out var certificate);
        return new RecordBody(
            Realm(fields),
            DhtFrameFields.Node(fields.GetProperty("publisher")),
            certificate,
            fields.GetProperty("sequence").GetInt64(),
            new WallTime(fields.GetProperty("issued").GetInt64()),
            TimeSpan.FromSeconds(fields.GetProperty("timeToLiveSeconds").GetInt32()),
            fields.GetProperty("withdrawn").GetBoolean() ? RecordState.Withdrawn : RecordState.Live,
            ContentOf(fields));
    }

    private static RecordContent ContentOf(JsonElement fields) => fields.GetProperty("kind").GetString() switch
    {
        "provider" => new RecordContent.Provider(ProcedureName.Parse(fields.GetProperty("procedure").GetString()!), fields.GetProperty("version").GetUInt32(), fields.GetProperty("load").GetInt32()),
        "subscriber" => Subscriber([.. fields.GetProperty("patterns").EnumerateArray().Select(pattern => pattern.GetString()!)]),
        _ => new RecordContent.Node(DhtFrameFields.Addresses(fields, "addresses"), [.. fields.GetProperty("gateways").EnumerateArray().Select(DhtFrameFields.Node)]),
    };

    private static RecordContent.Subscriber Subscriber(params string[] patterns) =>
        RecordContent.Subscriber.TryCreate(patterns.Select(TopicPattern.Parse), out var content) ? content : throw new InvalidDataException(string.Join(' ', patterns));

    private static RealmId Realm(JsonElement fields) => RealmId.Read(Convert.FromHexString(fields.GetProperty("realm").GetString()!));

    private static byte[] Bytes(JsonElement vector) => Convert.FromHexString(vector.GetProperty("hex").GetString()!);
}
