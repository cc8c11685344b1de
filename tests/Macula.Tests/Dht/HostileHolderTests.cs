using System.Net;
using Macula.Identity.Realm;
using Macula.Identity.Records;
using Macula.Rpc;
using Macula.Testing.Network;
using Macula.Tests.Hostile;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Frames.Dht;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Tests.Dht;

/// <summary>A publisher among holders that refuse, miss and mislead, in virtual time: docs/protocol/09-records.md [REC-16] to [REC-19].</summary>
public sealed class HostileHolderTests
{
    private static readonly CallHandler Echo = static (call, _) => ValueTask.FromResult(call.Argument);

    [Fact]
    public void AHolderThatNamesTheVeryRecordThatWasSentHoldsIt() => SimulatedRun.Run(1, async mesh => // [REC-16]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var serving = mallory.ServeAsync(request => request.Type == FrameType.Store ? RawMember.Bytes(new StoredFrame(RecordIn(request).Bytes).Write) : RawDht.AnswerAsGood(request));
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        var before = mesh.World.Elapsed;
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();

        Assert.InRange(mesh.World.Elapsed - before, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void ANodeGoesOnFromWhatItHoldsOfItsFormerLife() => SimulatedRun.Run(5, async mesh => // [REC-16]
    {
        var realm = mesh.Found("tenant-a");
        using var credentials = realm.Issue("alice", mesh.WallNow);
        var alice = await mesh.StartAsync(realm.File, credentials, DhtMember.Server());
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await using var _ = control;
        var sequence = mesh.WallNow.UnixMilliseconds + 240_000;
        var content = new RecordContent.Provider(ProcedureName.Parse("echo"), 7, 0);
        var former = new RecordSigner(credentials).Sign(content, RecordState.Live, sequence, mesh.WallNow, TimeSpan.FromMinutes(30));
        Assert.Equal(ErrorCode.NoError, await RawDht.AskForErrorAsync(connection, new StoreFrame(former.Record.Bytes).Write));
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();

        var served = Assert.Single(await mallory.ReadRecordsAsync(alice.LocalEndPoint, former.Key));
        Assert.True(SignedRecord.TryRead(served, out var record, out var _));
        Assert.Equal((sequence + 1, 0u), (record.Body.Sequence, Assert.IsType<RecordContent.Provider>(record.Body.Content).Version));
        await alice.DisposeAsync();
    });

    [Fact]
    public void AHolderThatMissedAWithdrawalIsAskedAgainWhenOthersHaveTakenIt() => SimulatedRun.Run(2, async mesh => // [REC-18]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var tombstones = 0;
        var serving = mallory.ServeAsync(request =>
            request.Type == FrameType.Store && RecordIn(request).Body is { State: RecordState.Withdrawn, Content: RecordContent.Provider } && ++tombstones == 1
                ? RawMember.Bytes(new ErrorFrame(ErrorCode.LimitExceeded, "", CallExecution.NotStarted).Write)
                : RawDht.AnswerAsGood(request));
        await using var carol = await RawMember.StartAsync(mesh, realm, "carol");
        var servingWell = carol.ServeAsync(RawDht.AnswerAsGood);
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint, carol.LocalEndPoint));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();
        await advertisement.DisposeAsync();
        await Task.Delay(TimeSpan.FromSeconds(10), mesh.Time);

        Assert.Equal(2, tombstones);
        await mallory.DisposeAsync();
        await carol.DisposeAsync();
        await Task.WhenAll(serving, servingWell);
    });

    [Fact]
    public void WhoWaitsForARecordThatIsWithdrawnLearnsOfItAtOnce() => SimulatedRun.Run(3, async mesh => // [REC-18]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var serving = mallory.ServeAsync(request =>
            request.Type == FrameType.Store ? RawMember.Bytes(new ErrorFrame(ErrorCode.LimitExceeded, "", CallExecution.NotStarted).Write) : RawDht.AnswerAsGood(request));
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        var waiting = advertisement.WaitUntilPublishedAsync().AsTask();
        await Task.Delay(TimeSpan.FromSeconds(10), mesh.Time);
        Assert.False(waiting.IsCompleted);
        await advertisement.DisposeAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(1), mesh.Time);

        Assert.True(waiting.IsFaulted);
        var reason = Assert.IsType<MaculaException>(waiting.Exception?.InnerException);
        Assert.Equal((ErrorCode.Cancelled, "The record was withdrawn."), (reason.Code, reason.Message));
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void APublisherWhoseClockIsAheadIsTold() => SimulatedRun.Run(4, async mesh => // [REC-11]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var serving = mallory.ServeAsync(request =>
            request.Type == FrameType.Store ? RawMember.Bytes(new ErrorFrame(ErrorCode.RecordFromFuture, "ahead", CallExecution.NotStarted).Write) : RawDht.AnswerAsGood(request));
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        await alice.AdvertiseAsync("echo", Echo);
        await Task.Delay(TimeSpan.FromSeconds(30), mesh.Time);

        var told = mesh.Log.Lines.Where(line => line.Event.Id == 1206).ToList();
        Assert.InRange(told.Count, 1, 4);
        Assert.All(told, line => Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Warning, line.Level));
        Assert.Contains("clocks", told[0].Message, StringComparison.Ordinal);
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void AServerThatHasJoinedAndIsAnsweredByNobodyDoesNotTakeItselfForAllHolders() => SimulatedRun.Run(6, async mesh => // [REC-18] [REC-19]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (isStalled, stored) = (false, 0);
        var serving = mallory.ServeAsync(request =>
        {
            stored += request.Type == FrameType.Store && RecordIn(request).Body.Content is RecordContent.Provider ? 1 : 0;
            return isStalled ? null : RawDht.AnswerAsGood(request);
        });
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        await alice.WaitUntilJoinedAsync();
        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        isStalled = true;
        var published = (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync().AsTask();

        // Longer than a lookup waits, and shorter than it takes until whoever is silent counts as gone.
        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        Assert.False(published.IsCompleted);
        isStalled = false;
        await published;

        Assert.NotEqual(0, stored);
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void ARecordThatStandsAgainIsTakenBackAgainBeforeItsNodeIsGone() => SimulatedRun.Run(7, async mesh => // [REC-18]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var (tombstones, isLeaving, isRefused) = (0, false, false);
        var serving = mallory.ServeAsync(request =>
        {
            if (request.Type != FrameType.Store || RecordIn(request).Body is not { State: RecordState.Withdrawn, Content: RecordContent.Provider })
            {
                return RawDht.AnswerAsGood(request);
            }

            // The first that comes when the node leaves is refused, so that it is taken only if the node waits for that.
            tombstones++;
            (var refuses, isRefused) = (isLeaving && !isRefused, isLeaving);
            return refuses ? RawMember.Bytes(new ErrorFrame(ErrorCode.LimitExceeded, "", CallExecution.NotStarted).Write) : RawDht.AnswerAsGood(request);
        });
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();
        await advertisement.DisposeAsync();

        // The tombstone has arrived, and its answer is on the way.
        await mesh.UntilAsync(() => tombstones == 1);
        await (await alice.AdvertiseAsync("echo", Echo)).WaitUntilPublishedAsync();
        isLeaving = true;
        await alice.DisposeAsync();

        Assert.Equal(3, tombstones);
        await mallory.DisposeAsync();
        await serving;
    }, new Link { Latency = TimeSpan.FromMilliseconds(60) });

    [Fact]
    public void AnAdvertisementThatOvertakesTheEndOfTheOneBeforeStands() => SimulatedRun.Run(8, async mesh => // [REC-18]
    {
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var tombstones = 0;
        var serving = mallory.ServeAsync(request =>
        {
            tombstones += request.Type == FrameType.Store && RecordIn(request).Body is { State: RecordState.Withdrawn, Content: RecordContent.Provider } ? 1 : 0;
            return RawDht.AnswerAsGood(request);
        });
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        var advertisement = await alice.AdvertiseAsync("echo", Echo);
        await advertisement.WaitUntilPublishedAsync();

        // The next waits for its turn on the node's queue while the one before is disposed.
        var next = alice.AdvertiseAsync("echo", Echo);
        await advertisement.DisposeAsync();
        await (await next).WaitUntilPublishedAsync();
        await Task.Delay(TimeSpan.FromSeconds(10), mesh.Time);

        Assert.Equal(0, tombstones);
        await mallory.DisposeAsync();
        await serving;
    });

    [Fact]
    public void TheOldestOfTooManyTombstonesThatAHolderRefusesIsLetGoOf() => SimulatedRun.Run(9, async mesh => // [REC-18]
    {
        const int MostTombstones = 1024;
        var realm = mesh.Found("tenant-a");
        await using var mallory = await RawMember.StartAsync(mesh, realm);
        var offered = new HashSet<DhtKey>();
        var serving = mallory.ServeAsync(request =>
        {
            if (request.Type != FrameType.Store || RecordIn(request).Body is not { State: RecordState.Withdrawn, Content: RecordContent.Provider } body)
            {
                return RawDht.AnswerAsGood(request);
            }

            offered.Add(body.Key);
            return RawMember.Bytes(new ErrorFrame(ErrorCode.LimitExceeded, "", CallExecution.NotStarted).Write);
        });
        var alice = await mesh.StartAsync(realm, "alice", ServerThatAsks(mallory.LocalEndPoint));
        for (var number = 0; number < MostTombstones + 5; number++)
        {
            var advertisement = await alice.AdvertiseAsync($"echo-{number}", Echo);
            await advertisement.WaitUntilPublishedAsync();
            await advertisement.DisposeAsync();
        }

        await Task.Delay(TimeSpan.FromSeconds(5), mesh.Time);
        Assert.Equal(MostTombstones + 5, offered.Count);
        offered.Clear();
        await Task.Delay(TimeSpan.FromMinutes(2), mesh.Time);

        Assert.Equal(MostTombstones, offered.Count);
        await mallory.DisposeAsync();
        await serving;
    });

    private static SignedRecord RecordIn(Frame store) =>
        StoreFrame.TryRead(store.Body, out var frame, out _) && SignedRecord.TryRead(frame.Record, out var record, out _) ? record : throw new InvalidOperationException("A good STORE was expected.");

    private static Func<MaculaPeerOptions, MaculaPeerOptions> ServerThatAsks(params IEnumerable<IPEndPoint> bootstraps) =>
        DhtMember.Server().With(dht => dht with { Bootstraps = [.. bootstraps.Select(bootstrap => BootstrapAddress.Parse(bootstrap.ToString()))] });
}
