using Macula.Identity.Policy;
using Macula.Identity.Records;
using Macula.Tests.Dht;
using Macula.Tests.Hostile;
using Macula.Tests.Meshes;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Tests.PubSub;

/// <summary>Who may publish and subscribe, in virtual time: [PUB-9], [REC-9].</summary>
public sealed class PermissionTests
{
    private const int EventNotPermitted = 1310;
    private const int EventsRefused = 1308;

    [Fact]
    public void WhoMayNotIsToldBeforeAnybodyIsBothered() => Run(async (mesh, boot) =>
    {
        var mallory = await mesh.StartAsync(mesh.Realm!, "mallory", DhtMember.Client(boot));

        var publishing = await Assert.ThrowsAsync<MaculaException>(() => mallory.PublishAsync("sensor.load", 1).AsTask());
        var subscribing = await Assert.ThrowsAsync<MaculaException>(() => mallory.SubscribeAsync("sensor.*").AsTask());

        Assert.Equal((ErrorCode.NotPermitted, ErrorCode.NotPermitted), (publishing.Code, subscribing.Code));
        await mallory.PublishAsync("open.load", 1);
    });

    [Fact]
    public void AnEventThatThePolicyForbidsEndsItsLaneAndNothingElse() => Run(async (mesh, boot) => // [PUB-9] [PUB-7]
    {
        var mallory = await mesh.StartAsync(mesh.Realm!, "mallory", options => DhtMember.Client(boot)(options) with { OwnCertificate = OwnCertificateCheck.Skipped });
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Client(boot));
        await using var sensors = await alice.SubscribeAsync("sensor.*");
        await using var open = await alice.SubscribeAsync("open.*");
        Assert.NotEqual(EventLanes.LaneOf(TopicName.Parse("sensor.load")), EventLanes.LaneOf(TopicName.Parse("open.x")));
        await mallory.PublishAsync("open.x", 0);
        await SimulatedPubSubTests.NextAsync(open);

        for (var number = 1; number <= 20; number++)
        {
            await mallory.PublishAsync("sensor.load", number);
            await mallory.PublishAsync("open.x", number);
            Assert.Equal(number, (await SimulatedPubSubTests.NextAsync(open)).Value.AsInt64());
        }

        await mesh.UntilAsync(() => mesh.Log.Lines.Any(line => line.Event.Id == EventsRefused));
        var receipt = await alice.PublishAsync("sensor.load", 99);
        Assert.Equal(receipt.Id, (await SimulatedPubSubTests.NextAsync(sensors)).Id);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == EventNotPermitted);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == EventsRefused && line.Message.Contains("NotPermitted", StringComparison.Ordinal));
    });

    [Fact]
    public void AForgedSubscriptionIsHeldByNobodyAndServedByNobody() => Run(async (mesh, boot) => // [REC-9] [PUB-4]
    {
        // A publisher that holds the record itself and watches it: both ways in are tried.
        var alice = await mesh.StartAsync(mesh.Realm!, "alice", DhtMember.Server(boot));
        Assert.Equal(0, (await alice.PublishAsync("sensor.load", 1)).Subscribers);
        await using var mallory = await RawMember.StartAsync(mesh, mesh.Realm!);
        Assert.True(RecordContent.Subscriber.TryCreate([TopicPattern.Parse("sensor.*")], out var content));
        var record = new RecordSigner(mallory.Credentials).Sign(content, RecordState.Live, mesh.WallNow.UnixMilliseconds, mesh.WallNow, TimeSpan.FromMinutes(30)).Record.Bytes;

        foreach (var holder in new[] { boot, alice })
        {
            var (connection, control) = await mallory.EstablishAsync(holder.LocalEndPoint);
            await using var _ = control;
            Assert.Equal(ErrorCode.NotPermitted, await RawDht.AskForErrorAsync(connection, new StoreFrame(record).Write));
            await RawDht.AskAsync(connection, new PushFrame(DhtKey.OfSubscribers(mesh.Realm!.File.Id, TopicPattern.Parse("sensor.*").LiteralPrefix), [record]).Write);
        }

        Assert.Equal(0, (await alice.PublishAsync("sensor.load", 2)).Subscribers);
    });

    private static void Run(Func<SimulatedMesh, MaculaPeer, Task> body) => SimulatedRun.Run(1, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        PolicySubject Named(string name) => PolicySubject.TryParse($"node:{name}", out var subject) ? subject : throw new InvalidOperationException(name);
        realm.Authority.SignPolicy(
        [
            new PolicyRule([Named("boot"), Named("alice")], Enum.GetValues<MeshAction>(), [NamePattern.Everything]),
            new PolicyRule([Named("mallory")], [MeshAction.Publish, MeshAction.Subscribe], [NamePattern.Parse("open.**")]),
        ]);
        await body(mesh, await mesh.StartAsync(realm, "boot", DhtMember.Server()));
    });
}
