using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Tests.Vectors;

namespace Macula.Wire.Tests.Frames;

/// <summary>Frames of the DHT, made from the fields of a vector.</summary>
internal static class DhtFrameFields
{
    public static object ToFrame(FrameVector vector)
    {
        var fields = vector.Fields;
        return vector.Type switch
        {
            "ping" => new PingFrame(Addresses(fields, "senderAddresses")),
            "findNode" => new FindNodeFrame(Key(fields, "target"), Addresses(fields, "senderAddresses")),
            "findValue" => new FindValueFrame(Key(fields, "key"), NodeOrNull(fields, "after")),
            "store" => new StoreFrame(Bytes(fields, "record")),
            "watch" => new WatchFrame(Key(fields, "key"), Lease(fields)),
            "push" => new PushFrame(Key(fields, "key"), Records(fields)),
            "getCertificate" => new GetCertificateFrame(CertificateHash.TryRead(Bytes(fields, "hash"), out var hash) ? hash : default),
            "done" => new DoneFrame(),
            "nodes" => new NodesFrame(Contacts(fields)),
            "records" => new RecordsFrame(Records(fields), NodeOrNull(fields, "next"), Contacts(fields)),
            "stored" => new StoredFrame(fields.GetProperty("heldInstead").ValueKind == JsonValueKind.Null ? null : (ReadOnlyMemory<byte>?)Bytes(fields, "heldInstead")),
            "watching" => new WatchingFrame(Lease(fields), fields.GetProperty("continuity").GetString() == "renewed" ? WatchContinuity.Renewed : WatchContinuity.Begun),
            "certificate" => new CertificateFrame(Bytes(fields, "certificate")),
            var other => throw new InvalidDataException($"The vectors hold a frame of type {other}."),
        };
    }

    public static ImmutableArray<NodeAddress> Addresses(JsonElement fields, string member) =>
        [.. fields.GetProperty(member).EnumerateArray().Select(address => NodeAddress.From(IPEndPoint.Parse(address.GetString()!)))];

    public static DhtKey Key(JsonElement fields, string member) => DhtKey.TryParse(fields.GetProperty(member).GetString(), out var key) ? key : throw new InvalidDataException(member);

    public static NodeId Node(JsonElement value) => NodeId.TryParse(value.GetString(), out var id) ? id : throw new InvalidDataException("A node id was expected.");

    private static NodeId? NodeOrNull(JsonElement fields, string member) =>
        fields.GetProperty(member).ValueKind == JsonValueKind.Null ? null : Node(fields.GetProperty(member));

    private static byte[] Bytes(JsonElement fields, string member) => Convert.FromHexString(fields.GetProperty(member).GetString()!);

    private static TimeSpan Lease(JsonElement fields) => TimeSpan.FromMilliseconds(fields.GetProperty("leaseMilliseconds").GetInt32());

    private static ImmutableArray<ReadOnlyMemory<byte>> Records(JsonElement fields) =>
        [.. fields.GetProperty("records").EnumerateArray().Select(record => (ReadOnlyMemory<byte>)Convert.FromHexString(record.GetString()!))];

    private static ImmutableArray<Contact> Contacts(JsonElement fields) =>
        [.. fields.GetProperty("contacts").EnumerateArray().Select(contact => new Contact(Node(contact.GetProperty("node")), Addresses(contact, "addresses")))];
}
