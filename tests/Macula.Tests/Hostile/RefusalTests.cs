using System.Buffers;
using Macula.Connections;
using Macula.Dht;
using Macula.Identity.Policy;
using Macula.Identity.Records;
using Macula.Protocols.Kademlia;
using Macula.Testing.Realms;
using Macula.Tests.Dht;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Tests.Hostile;

/// <summary>Whatever a node refuses is counted under its code, each time, and told in the log, once in 10 s; in virtual time.</summary>
public sealed class RefusalTests
{
    private const int ConnectionRefused = 1003;
    private const int ProtocolViolated = 1004;
    private const int RequestRefused = 1010;
    private const int CallNotPermitted = 1101;
    private const int RecordRefused = 1207;
    private const int EventNotPermitted = 1310;

    private const int Times = 5;

    // What mallory may do everything with; under other names it may do nothing.
    private static readonly NamePattern Open = NamePattern.Parse("open.**");

    [Theory]
    [MemberData(nameof(BrokenRequests.All), MemberType = typeof(BrokenRequests))]
    public void ABrokenRequestIsCounted(string what, byte[] request, ErrorCode code) => // [CON-15]
        Refuses($"macula.protocol.errors {code}", ProtocolViolated, async stage =>
        {
            await using var stream = await RawMember.SendAsync(stage.Connection, request);
            var abort = await Assert.ThrowsAsync<StreamAbortedException>(async () => await stream.ReadAsync(new byte[100]));
            Assert.True((ulong)code == abort.StreamCode, what);
        });

    [Fact]
    public void GarbageInsteadOfAHelloIsCounted() => Refuses("macula.connections.refused MalformedFrame", ConnectionRefused, async stage => // [CON-15]
    {
        var connection = await stage.Mallory.DialAsync(stage.Alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(new byte[] { 0x01, 0x03, 0xc1, 0xc1, 0xc1 });
        await connection.WaitForEndAsync();
    });

    [Fact]
    public void AForeignCertificateIsCounted() => Refuses("macula.connections.refused CertificateWrongRealm", ConnectionRefused, async stage => // [CON-9]
    {
        using var foreign = stage.Mesh.Found("tenant-b").Issue("mallory", stage.Mesh.WallNow);
        await using var peer = await stage.Mesh.StartAsync(stage.Realm.File, foreign, options => DhtMember.Client()(options) with { OwnCertificate = OwnCertificateCheck.Skipped });
        await Assert.ThrowsAsync<Rpc.CallException>(() => peer.CallAsync("echo", 1, new Rpc.CallOptions { At = stage.Alice.LocalEndPoint }).AsTask());
    });

    [Fact]
    public void ARecordWithAForgedSignatureIsCounted() => RefusesRecord(ErrorCode.RecordInvalid, stage => // [REC-8]
    {
        var forged = stage.Sign(Provider("open.echo")).ToArray();
        forged[^1] ^= 1;
        return forged;
    });

    [Fact]
    public void ARecordOfYesterdayIsCounted() => // [REC-11]
        RefusesRecord(ErrorCode.RecordExpired, stage => stage.Sign(Provider("open.echo"), -TimeSpan.FromDays(1)));

    [Fact]
    public void ARecordOfTomorrowIsCounted() => // [REC-11]
        RefusesRecord(ErrorCode.RecordFromFuture, stage => stage.Sign(Provider("open.echo"), TimeSpan.FromDays(1)));

    [Fact]
    public void AnAdvertisementThatThePolicyForbidsIsCounted() => // [REC-9]
        RefusesRecord(ErrorCode.NotPermitted, stage => stage.Sign(Provider("closed.echo")));

    [Fact]
    public void ASubscriptionThatThePolicyForbidsIsCounted() => // [REC-9]
        RefusesRecord(ErrorCode.NotPermitted, stage => stage.Sign(Subscriber("closed.a")));

    [Fact]
    public void AForbiddenRecordThatIsPushedToItsReaderIsCounted() => Refuses("macula.records.refused NotPermitted", RecordRefused, async stage => // [REC-9]
    {
        await stage.Alice.PublishAsync("closed.a", 1);
        var key = DhtKey.OfSubscribers(stage.Realm.File.Id, TopicPattern.Parse("closed.a").LiteralPrefix);
        await RawDht.AskAsync(stage.Connection, new PushFrame(key, [stage.Sign(Subscriber("closed.a"))]).Write);
        Assert.Equal(0, (await stage.Alice.PublishAsync("closed.a", 2)).Subscribers);
    });

    [Fact]
    public void ARecordThatCannotBeReadIsCounted() => Refuses("macula.protocol.errors RecordInvalid", ProtocolViolated, async stage => // [REC-3]
        Assert.Equal(ErrorCode.RecordInvalid, await stage.StoreAsync(new byte[200])));

    [Fact]
    public void ARecordBeyondALimitIsCounted() => Refuses( // [REC-14]
        "macula.records.refused LimitExceeded",
        RecordRefused,
        async stage =>
        {
            Assert.Equal(ErrorCode.NoError, await stage.StoreAsync(stage.Sign(Provider("open.echo"))));
            Assert.Equal(ErrorCode.LimitExceeded, await stage.StoreAsync(stage.Sign(Provider("open.other"))));
        },
        dht => dht with { Store = new RecordStoreOptions { MaxPerPublisher = 1 } });

    [Fact]
    public void AWatchBeyondALimitIsCounted() => Refuses( // [KAD-34]
        "macula.requests.refused LimitExceeded",
        RequestRefused,
        async stage =>
        {
            Assert.Equal(ErrorCode.NoError, await stage.WatchAsync("one"));
            Assert.Equal(ErrorCode.LimitExceeded, await stage.WatchAsync("two"));
        },
        dht => dht with { Watches = new WatchTableOptions { MaxPerWatcher = 1 } });

    [Fact]
    public void ARequestBeyondALimitIsCounted() => Refuses( // [RPC-9]
        "macula.requests.refused LimitExceeded",
        RequestRefused,
        async stage =>
        {
            var call = RawMember.Call("open.echo");
            var held = await RawMember.SendAsync(stage.Connection, call[..5], WriteEnd.KeepOpen);
            await Task.Delay(TimeSpan.FromSeconds(0.2), stage.Mesh.Time);
            Assert.Equal(ErrorCode.LimitExceeded, await RawDht.AskForErrorAsync(stage.Connection, new PingFrame([]).Write));
            await held.WriteAsync(call[5..], WriteEnd.Finish);
            Assert.Equal(FrameType.Result, (await RawMember.ReadAnswerAsync(held)).Type);
        },
        limits: limits => limits with { MaxIncomingCalls = 1 });

    [Fact]
    public void AConnectionBeyondALimitIsCounted() => Refuses( // [CON-14]
        "macula.connections.refused LimitExceeded",
        ConnectionRefused,
        async stage =>
        {
            var silent = await stage.Mallory.DialAsync(stage.Alice.LocalEndPoint);
            await silent.AcceptStreamAsync();
            var surplus = await stage.Mallory.DialAsync(stage.Alice.LocalEndPoint);
            Assert.Equal((ulong)ErrorCode.LimitExceeded, (await surplus.WaitForEndAsync()).Code);
            silent.Close(0, "");
        },
        limits: limits => limits with { MaxUnestablished = 1 });

    [Fact]
    public void ACallThatThePolicyForbidsIsCounted() => Refuses("macula.call.server.duration NotPermitted", CallNotPermitted, async stage => // [RPC-6]
        Assert.Equal(FrameType.Error, (await RawMember.ReadAnswerAsync(await RawMember.SendAsync(stage.Connection, RawMember.Call("closed.echo")))).Type));

    [Fact]
    public void AnEventThatThePolicyForbidsIsCounted() => Refuses("macula.events.refused NotPermitted", EventNotPermitted, async stage => // [PUB-9]
        Assert.Equal(ErrorCode.NotPermitted, await stage.PublishAsync("closed.a", stage.Mallory.Identity.NodeId)));

    [Fact]
    public void AnEventInAnothersNameIsCounted() => Refuses("macula.protocol.errors NotPermitted", ProtocolViolated, async stage => // [PUB-9]
        Assert.Equal(ErrorCode.NotPermitted, await stage.PublishAsync("open.a", stage.Alice.Self.NodeId)));

    [Fact]
    public void ALaneBeyondALimitIsCounted()
    {
        var lanes = 0;
        Refuses("macula.protocol.errors LimitExceeded", ProtocolViolated, async stage => // [PUB-6]
        {
            for (; lanes < EventLanes.MaxPerConnection; lanes++)
            {
                await RawMember.SendAsync(stage.Connection, stage.Event("open.a", stage.Mallory.Identity.NodeId), WriteEnd.KeepOpen);
            }

            Assert.Equal(ErrorCode.LimitExceeded, await stage.PublishAsync("open.a", stage.Mallory.Identity.NodeId));
        });
    }

    private static RecordContent.Provider Provider(string procedure) => new(ProcedureName.Parse(procedure), 0, 0);

    private static RecordContent.Subscriber Subscriber(string pattern) =>
        RecordContent.Subscriber.TryCreate([TopicPattern.Parse(pattern)], out var content) ? content : throw new ArgumentException(pattern);

    private static void RefusesRecord(ErrorCode code, Func<Stage, ReadOnlyMemory<byte>> record) =>
        Refuses($"macula.records.refused {code}", RecordRefused, async stage => Assert.Equal(code, await stage.StoreAsync(record(stage))));

    private static void Refuses(
        string counted, int line, Func<Stage, Task> act, Func<DhtOptions, DhtOptions>? dht = null, Func<ConnectionOptions, ConnectionOptions>? limits = null) => SimulatedRun.Run(1, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        realm.Authority.SignPolicy(
        [
            new PolicyRule([Named("alice")], Enum.GetValues<MeshAction>(), [NamePattern.Everything]),
            new PolicyRule([Named("mallory")], [MeshAction.Publish, MeshAction.Subscribe, MeshAction.Call, MeshAction.Advertise], [Open]),
        ]);
        var alice = await mesh.StartAsync(
            realm, "alice", options => DhtMember.Server().With(dht ?? (same => same))(options) with { Connections = (limits ?? (same => same))(new ConnectionOptions()) });
        await alice.AdvertiseAsync("open.echo", static (call, _) => ValueTask.FromResult(call.Argument));
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await using var _ = control;
        using var meter = new NodeMeter(alice);
        var stage = new Stage(mesh, realm, alice, mallory, connection);

        for (var time = 0; time < Times; time++)
        {
            await act(stage);
            await Task.Delay(TimeSpan.FromSeconds(1), mesh.Time);
        }

        Assert.Equal([$"{counted} {Times}"], meter.Refusals);
        Assert.Single(Lines());

        // The next line says how many there were that it did not name.
        await Task.Delay(TimeSpan.FromSeconds(10), mesh.Time);
        await act(stage);
        Assert.EndsWith($"({Times - 1} more since the last such line)", Lines().Last(), StringComparison.Ordinal);
        Assert.Equal(2, Lines().Count());

        IEnumerable<string> Lines() => mesh.Log.Lines.Where(entry => entry.Event.Id == line).Select(entry => entry.Message);
    });

    private static PolicySubject Named(string name) => PolicySubject.TryParse($"node:{name}", out var subject) ? subject : throw new ArgumentException(name);

    /// <summary>Mallory, connected to alice.</summary>
    private sealed record Stage(SimulatedMesh Mesh, TestRealm Realm, MaculaPeer Alice, RawMember Mallory, TransportConnection Connection)
    {
        private long _sequence;

        public ReadOnlyMemory<byte> Sign(RecordContent content, TimeSpan ahead = default)
        {
            var issued = Mesh.WallNow + ahead;
            return new RecordSigner(Mallory.Credentials).Sign(content, RecordState.Live, issued.UnixMilliseconds, issued, TimeSpan.FromMinutes(30)).Record.Bytes;
        }

        public Task<ErrorCode> StoreAsync(ReadOnlyMemory<byte> record) => RawDht.AskForErrorAsync(Connection, new StoreFrame(record).Write);

        public Task<ErrorCode> WatchAsync(string procedure) =>
            RawDht.AskForErrorAsync(Connection, new WatchFrame(DhtKey.OfProviders(Realm.File.Id, ProcedureName.Parse(procedure)), TimeSpan.FromMinutes(1)).Write);

        public Task<ErrorCode> PublishAsync(string topic, NodeId publisher) => RawDht.AskForErrorAsync(Connection, output => output.Write(Event(topic, publisher).Span));

        public ReadOnlyMemory<byte> Event(string topic, NodeId publisher) =>
            RawMember.Bytes(new EventFrame(TopicName.Parse(topic), new EventId(publisher, 1, ++_sequence), Mesh.WallNow, 0, Payload.Nil).Write);
    }
}
