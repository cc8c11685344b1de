using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Net;
using Macula.Identity.Names;
using Macula.Identity.Policy;
using Macula.Identity.Records;
using Macula.Rpc;
using Macula.Testing.Realms;
using Macula.Tests.Hostile;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Tests.Dht;

/// <summary>Members that lie about records and nodes, in virtual time.</summary>
public sealed class HostileDhtTests
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);
    private static readonly RecordContent EchoHere = new RecordContent.Provider(ProcedureName.Parse("echo"), 0, 0);

    [Fact]
    public void ARecordThatIsNotWhatItSaysIsRefusedWithItsCode() => SimulatedRun.Run(1, async mesh => // [REC-7] [REC-8] [REC-11]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await alice.AdvertiseAsync("echo", Echo);
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        using var elsewhere = new TestRealm("tenant-b", KeyedHashScheme.Instance, mesh.World.Random.Fork("elsewhere"), mesh.WallNow);
        using var stranger = elsewhere.Issue("stranger", mesh.WallNow);
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await using var _ = control;
        var now = mesh.WallNow;
        var day = TimeSpan.FromDays(1);
        var good = Sign(mallory.Credentials, now);
        var forged = good.ToArray();
        forged[^1] ^= 1;

        Assert.Equal(ErrorCode.RecordInvalid, await StoreAsync(connection, forged));
        Assert.Equal(ErrorCode.RecordInvalid, await StoreAsync(connection, Sign(stranger, now)));
        Assert.Equal(ErrorCode.RecordInvalid, await StoreAsync(connection, new byte[200]));
        Assert.Equal(ErrorCode.RecordExpired, await StoreAsync(connection, Sign(mallory.Credentials, now + -TimeSpan.FromHours(1), sequence: 1)));
        Assert.Equal(ErrorCode.RecordFromFuture, await StoreAsync(connection, Sign(mallory.Credentials, now + TimeSpan.FromMinutes(6))));
        Assert.Equal(ErrorCode.RecordFromFuture, await StoreAsync(connection, Sign(mallory.Credentials, now, sequence: (now + day).UnixMilliseconds)));
        Assert.Single(await mallory.ReadRecordsAsync(alice.LocalEndPoint, EchoKey(realm)));

        Assert.Equal(ErrorCode.NoError, await StoreAsync(connection, good));
        Assert.Equal(2, (await mallory.ReadRecordsAsync(alice.LocalEndPoint, EchoKey(realm))).Length);
    });

    [Fact]
    public void WhoMayNotAdvertiseIsRefusedByHoldersAndPassedOverByReaders() => SimulatedRun.Run(2, async mesh => // [REC-9]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());

        // By the first policy a gateway advertises nothing.
        await using var mallory = await RawMember.StartAsync(mesh, realm, roles: NodeRoles.Gateway);
        var record = Sign(mallory.Credentials, mesh.WallNow);
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await using var _ = control;
        Assert.Equal(ErrorCode.NotPermitted, await StoreAsync(connection, record));

        var serving = mallory.ServeAsync(request => request.Type == FrameType.FindValue ? Bytes(new RecordsFrame([record], null, []).Write) : RawDht.AnswerAsGood(request));
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(alice).With(dht => dht with { Bootstraps = [Place(mallory.LocalEndPoint)] }));

        Assert.Equal(ErrorCode.NoProvider, await CallForErrorAsync(bob));
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void AnotherCertificateThanTheOneThatWasAskedForSpoilsNothingButItsOwnDelivery() => SimulatedRun.Run(3, async mesh => // [REC-8] [FRM-55]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        await using var carol = await RawMember.StartAsync(mesh, realm, "carol");
        var record = Sign(carol.Credentials, mesh.WallNow);
        var (lying, first) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await using var _ = first;
        var answering = RawMember.ServeStreamsAsync(lying, _ => Bytes(new CertificateFrame(mallory.Credentials.Certificate.Der).Write));
        Assert.Equal(ErrorCode.RecordInvalid, await StoreAsync(lying, record));

        // One that is silent keeps nobody else waiting, who delivers the same record with its certificate.
        await using var eve = await RawMember.StartAsync(mesh, realm, "eve");
        var (silent, second) = await eve.EstablishAsync(alice.LocalEndPoint);
        var never = StoreAsync(silent, record);
        var (good, third) = await carol.EstablishAsync(alice.LocalEndPoint);
        var before = mesh.World.Elapsed;
        Assert.Equal(ErrorCode.NoError, await StoreAsync(good, record));
        Assert.InRange(mesh.World.Elapsed - before, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Equal(ErrorCode.DeadlineExceeded, await never);

        lying.Close(0, "");
        await answering;
        await second.DisposeAsync();
        await third.DisposeAsync();
    });

    [Fact]
    public void TwentyLiesAboutNodesLeadNowhere() => SimulatedRun.Run(4, async mesh => // [KAD-4] [KAD-14] [CON-4]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        mesh.NextTransport(out var victim);
        var random = mesh.World.Random.Fork("lies");
        ImmutableArray<Contact> lies =
        [
            .. Enumerable.Range(0, 10).Select(number => new Contact(RandomId(random), [NodeAddress.From(new IPEndPoint(IPAddress.Loopback, 1000 + number))])),
            .. Enumerable.Range(0, 4).Select(_ => new Contact(mallory.Identity.NodeId, [NodeAddress.From(victim)])),
            .. Enumerable.Range(0, 6).Select(_ => new Contact(RandomId(random), [NodeAddress.From(alice.LocalEndPoint)])),
        ];
        var serving = mallory.ServeAsync(request => request.Type switch
        {
            FrameType.FindNode => Bytes(new NodesFrame(lies).Write),
            FrameType.FindValue => Bytes(new RecordsFrame([], null, lies).Write),
            _ => RawDht.AnswerAsGood(request),
        });
        var bob = await mesh.StartAsync(
            realm, "bob", DhtMember.Server(alice).With(dht => dht with { Bootstraps = [Place(mallory.LocalEndPoint), Place(alice.LocalEndPoint)] }));

        Assert.Equal(alice.Self.NodeId, (await bob.CallAsync("echo", 7)).Provider.NodeId);
        var (connection, control) = await mallory.EstablishAsync(bob.LocalEndPoint);
        var known = await NeighboursAsync(connection, mallory.Identity.NodeId);
        Assert.All(known, contact => Assert.Contains(contact.Node, new[] { alice.Self.NodeId, mallory.Identity.NodeId }));
        await control.DisposeAsync();
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void PagesThatGoRoundInCirclesEnd() => SimulatedRun.Run(5, async mesh => // [KAD-15] [KAD-36]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var record = Sign(mallory.Credentials, mesh.WallNow);
        var asked = 0;
        var page = 0;
        var serving = mallory.ServeAsync(request =>
        {
            asked++;

            // Each page says that another follows, with a good record, with none, or with garbage.
            var next = NodeId.Read([.. Enumerable.Repeat((byte)0, 18), (byte)(++page >> 8), (byte)page]);
            return request.Type switch
            {
                FrameType.FindValue => Bytes(new RecordsFrame(page % 3 == 0 ? [record] : page % 3 == 1 ? [] : [new byte[30]], next, []).Write),
                FrameType.Watch => Bytes(new WatchingFrame(TimeSpan.FromMinutes(1), WatchContinuity.Begun).Write),
                _ => RawDht.AnswerAsGood(request),
            };
        });
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client().With(dht => dht with { Bootstraps = [Place(mallory.LocalEndPoint)] }));

        Assert.NotEqual(ErrorCode.NoError, await CallForErrorAsync(bob));
        await Task.Delay(TimeSpan.FromMinutes(2), mesh.Time);

        Assert.InRange(asked, 1, 400);
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void AThousandRequestsAtOnceAreAnsweredOrRefusedAndOthersGoOn() => SimulatedRun.Run(6, async mesh =>
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(alice));
        await bob.WaitUntilJoinedAsync();
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        var record = Sign(mallory.Credentials, mesh.WallNow);

        var answers = Enumerable.Range(0, 1000).Select(number => RawDht.AskForErrorAsync(connection, (number % 4) switch
        {
            0 => new PingFrame([]).Write,
            1 => new FindNodeFrame(EchoKey(realm), []).Write,
            2 => new FindValueFrame(EchoKey(realm), null).Write,
            _ => new StoreFrame(record).Write,
        })).ToArray();
        Assert.Equal(7, (await bob.CallAsync("echo", 7)).Value.AsInt64());

        Assert.All(await Task.WhenAll(answers), code => Assert.Contains(code, new[] { ErrorCode.NoError, ErrorCode.LimitExceeded }));
        await control.DisposeAsync();
    });

    [Fact]
    public void ANodeThatMayNotStoreIsInNobodysTable() => SimulatedRun.Run(7, async mesh => // [KAD-3]
    {
        var realm = mesh.Found("tenant-a");
        realm.Authority.SignPolicy([RealmPolicy.FirstRules[0]]);
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        var carol = await mesh.StartAsync(realm, "carol", DhtMember.Server(alice));
        using var credentials = realm.Issue("gateway", mesh.WallNow, NodeRoles.Gateway);
        var gateway = await mesh.StartAsync(realm.File, credentials, DhtMember.Server(alice));
        await gateway.WaitUntilJoinedAsync();
        await carol.WaitUntilJoinedAsync();
        await Task.Delay(TimeSpan.FromSeconds(10), mesh.Time);
        await using var asker = await RawMember.StartAsync(mesh, realm);
        var (connection, control) = await asker.EstablishAsync(alice.LocalEndPoint);

        Assert.Equal([carol.Self.NodeId], (await NeighboursAsync(connection, alice.Self.NodeId)).Select(contact => contact.Node));
        await control.DisposeAsync();
    });

    [Fact]
    public void ANodeInClientModeServesItsOwnRecordsAndNothingElse() => SimulatedRun.Run(8, async mesh => // [KAD-1]
    {
        var realm = mesh.Found("tenant-a");
        var boot = await mesh.StartAsync(realm, "boot", DhtMember.Server());
        var client = await mesh.StartAsync(realm, "client", DhtMember.Client(boot));
        await (await client.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        await using var asker = await RawMember.StartAsync(mesh, realm);
        var (connection, control) = await asker.EstablishAsync(client.LocalEndPoint);
        var other = DhtKey.OfProviders(realm.File.Id, ProcedureName.Parse("other"));

        foreach (Action<IBufferWriter<byte>> refused in new Action<IBufferWriter<byte>>[]
        {
            new PingFrame([]).Write, new FindNodeFrame(other, []).Write, new FindValueFrame(other, null).Write,
            new StoreFrame(Sign(asker.Credentials, mesh.WallNow)).Write, new WatchFrame(other, TimeSpan.FromMinutes(1)).Write,
        })
        {
            Assert.Equal(ErrorCode.InClientMode, await RawDht.AskForErrorAsync(connection, refused));
        }

        Assert.Equal(FrameType.Records, (await RawDht.AskAsync(connection, new FindValueFrame(EchoKey(realm), null).Write)).Type);
        Assert.Equal(FrameType.Done, (await RawDht.AskAsync(connection, new PushFrame(other, []).Write)).Type);
        Assert.Equal(FrameType.Certificate, (await RawDht.AskAsync(connection, new GetCertificateFrame(client.Self.CertificateHash).Write)).Type);
        var (toBoot, second) = await asker.EstablishAsync(boot.LocalEndPoint);
        Assert.Empty(await NeighboursAsync(toBoot, client.Self.NodeId));
        await control.DisposeAsync();
        await second.DisposeAsync();
    });

    [Fact]
    public void GarbageThatIsPushedChangesNothing() => SimulatedRun.Run(9, async mesh => // [KAD-35]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        var bob = await mesh.StartAsync(realm, "bob", DhtMember.Client(alice));
        await bob.CallAsync("echo", 7);
        await using var mallory = await RawMember.StartAsync(mesh, realm, roles: NodeRoles.Gateway);
        var (connection, control) = await mallory.EstablishAsync(bob.LocalEndPoint);
        var forged = Sign(mallory.Credentials, mesh.WallNow).ToArray();
        forged[^1] ^= 1;

        var push = new PushFrame(EchoKey(realm), [new byte[30], forged, Sign(mallory.Credentials, mesh.WallNow)]);
        Assert.Equal(FrameType.Done, (await RawDht.AskAsync(connection, push.Write)).Type);

        for (var call = 0; call < 4; call++)
        {
            Assert.Equal(alice.Self.NodeId, (await bob.CallAsync("echo", 7)).Provider.NodeId);
        }

        await control.DisposeAsync();
    });

    [Fact]
    public void ARefusedRecordIsCounted() => SimulatedRun.Run(10, async mesh => // [REC-11]
    {
        var realm = mesh.Found("tenant-a");
        var alice = await mesh.StartAsync(realm, "alice", DhtMember.Server());
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        var counted = new List<string>();
        var thread = Environment.CurrentManagedThreadId;
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, meters) =>
            {
                if (instrument is { Meter.Name: "Macula", Name: "macula.records.refused" or "macula.dht.refused" })
                {
                    meters.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) =>
        {
            if (Environment.CurrentManagedThreadId == thread)
            {
                counted.Add($"{instrument.Name} {tags[0].Value}");
            }
        });
        listener.Start();
        Assert.Equal(ErrorCode.RecordFromFuture, await StoreAsync(connection, Sign(mallory.Credentials, mesh.WallNow + TimeSpan.FromMinutes(6))));

        Assert.Equal(["macula.dht.refused RecordFromFuture", "macula.records.refused RecordFromFuture"], counted.Order(StringComparer.Ordinal));
        await control.DisposeAsync();
    });

    private static DhtKey EchoKey(TestRealm realm) => DhtKey.OfProviders(realm.File.Id, ProcedureName.Parse("echo"));

    private static ReadOnlyMemory<byte> Sign(Identity.Credentials.NodeCredentials who, Wire.Time.WallTime issued, long? sequence = null) =>
        new RecordSigner(who).Sign(EchoHere, RecordState.Live, sequence ?? issued.UnixMilliseconds, issued, TimeSpan.FromMinutes(30)).Record.Bytes;

    private static Task<ErrorCode> StoreAsync(Transport.TransportConnection connection, ReadOnlyMemory<byte> record) =>
        RawDht.AskForErrorAsync(connection, new StoreFrame(record).Write);

    private static async Task<ErrorCode> CallForErrorAsync(MaculaPeer caller) =>
        (await Assert.ThrowsAsync<CallException>(() => caller.CallAsync("echo", 7, new CallOptions { Deadline = TimeSpan.FromSeconds(40) }).AsTask())).Code;

    private static async Task<ImmutableArray<Contact>> NeighboursAsync(Transport.TransportConnection connection, NodeId target) =>
        NodesFrame.TryRead((await RawDht.AskAsync(connection, new FindNodeFrame(DhtKey.PlaceOf(target), []).Write)).Body, out var nodes, out _) ? nodes.Contacts : [];

    private static ReadOnlyMemory<byte> Bytes(Action<IBufferWriter<byte>> write) => RawMember.Bytes(write);

    private static Identity.Realm.BootstrapAddress Place(IPEndPoint address) => Identity.Realm.BootstrapAddress.Parse(address.ToString());

    private static NodeId RandomId(Wire.RandomSource random)
    {
        var bytes = new byte[NodeId.ByteCount];
        random.Fill(bytes);
        return NodeId.Read(bytes);
    }
}
