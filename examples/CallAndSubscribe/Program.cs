// A node that calls a procedure and shows three events: dotnet run --project examples/CallAndSubscribe -- bob
using Macula;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Transport.Quic;
using Macula.Wire.MessagePack;
using Macula.Wire.Time;

var node = args is [var directory] ? directory : throw new ArgumentException("Name the node's directory, as './macula cert issue' makes it.", nameof(args));

var realm = RealmFile.Load($"{node}/realm.json", EcdsaP256Scheme.Instance);
var now = WallTime.From(DateTimeOffset.UtcNow);
using var credentials = NodeCredentials.Load($"{node}/node.crt", $"{node}/node.key", new RealmTrust(realm), now);
await using var peer = await MaculaPeer.StartAsync(
    new() { Realm = realm, Credentials = credentials, Transport = new QuicTransport() });

var sum = await peer.CallAsync("math.add", MeshValue.Map(("a", 5), ("b", 3)));
Console.WriteLine($"{sum.Value.ToJson()} from {sum.Provider.Name}, {sum.Path.Carrier}");

await using var sensors = await peer.SubscribeAsync("sensor.*");
await foreach (var measured in sensors.Take(3))
{
    Console.WriteLine($"{measured.Topic}: {measured.Value.ToJson()} from {measured.Publisher.Name}");
}
