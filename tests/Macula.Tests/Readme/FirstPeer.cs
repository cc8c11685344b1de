using System.Net;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Transport.Quic;
using Macula.Wire.MessagePack;
using Macula.Wire.Time;

namespace Macula.Tests.Readme;

/// <summary>The code that README.md shows, compiled.</summary>
public static class FirstPeer
{
    /// <summary>Starts a peer, calls and subscribes.</summary>
    public static async Task RunAsync(string node, IPEndPoint address, TextWriter Console)
    {
        // README begins
        var realm = RealmFile.Load($"{node}/realm.json", EcdsaP256Scheme.Instance);
        var now = WallTime.From(DateTimeOffset.UtcNow);
        using var credentials = NodeCredentials.Load($"{node}/node.crt", $"{node}/node.key", new RealmTrust(realm), now);
        await using var peer = await MaculaPeer.StartAsync(
            new() { Realm = realm, Credentials = credentials, Transport = new QuicTransport(), Endpoint = new() { LocalEndPoint = address } });

        var sum = await peer.CallAsync("math.add", MeshValue.Map(("a", 5), ("b", 3)));
        Console.WriteLine($"{sum.Value.ToJson()} from {sum.Provider.Name}, {sum.Path.Carrier}");

        await using var sensors = await peer.SubscribeAsync("sensor.*");
        await foreach (var measured in sensors.Take(3))
        {
            Console.WriteLine($"{measured.Topic}: {measured.Value.ToJson()} from {measured.Publisher.Name}");
        }
        // README ends
    }
}
