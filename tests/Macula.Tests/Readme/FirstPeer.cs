using System.Net;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;
using Macula.Transport.Quic;
using Macula.Wire.Frames;
using Macula.Wire.MessagePack;
using Macula.Wire.Time;

namespace Macula.Tests.Readme;

/// <summary>The code that README.md shows, compiled.</summary>
public static class FirstPeer
{
    /// <summary>Starts a peer, advertises and calls.</summary>
    public static async Task RunAsync(string node, IPEndPoint alice, TextWriter Console)
    {
        // README begins
        var realm = RealmFile.Load($"{node}/realm.json", EcdsaP256Scheme.Instance);
        var now = WallTime.From(DateTimeOffset.UtcNow);
        using var credentials = NodeCredentials.Load($"{node}/node.crt", $"{node}/node.key", new RealmTrust(realm), now);
        await using var peer = await MaculaPeer.StartAsync(
            new() { Realm = realm, Credentials = credentials, Transport = new QuicTransport() });

        await peer.AdvertiseAsync("greet", (call, _) =>
            ValueTask.FromResult(Payload.FromValue($"Hello {call.Caller.Name}, I am {peer.Self.Name}")));

        var sum = await peer.CallAsync("math.add", MeshValue.Map(("a", 5), ("b", 3)), new() { At = alice });
        Console.WriteLine($"{sum.Value.ToJson()} from {sum.Provider.Name}, {sum.Path.Carrier}");
        // README ends
    }
}
