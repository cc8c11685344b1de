using Macula.Connections;
using Macula.Protocols.Establishment;
using Macula.Rpc;
using Macula.Tests.Meshes;
using Macula.Transport;
using Macula.Transport.Execution;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Tests.Hostile;

/// <summary>What a node answers to a member of its own realm that breaks the protocol, on every transport.</summary>
public abstract class HostileMemberContract<TRunner>
    where TRunner : IMeshRunner, new()
{
    private static readonly TimeSpan ShortHelloTimeout = TimeSpan.FromMilliseconds(300);

    [Fact]
    public void SilenceInsteadOfAHelloIsClosed() => Run(async (_, alice, mallory) => // [CON-10]
    {
        await EndsWithAsync(ErrorCode.HelloTimeout, await mallory.DialAsync(alice.LocalEndPoint));
    });

    [Fact]
    public void GarbageInsteadOfAHelloIsClosed() => Run(async (_, alice, mallory) => // [CON-15] [FRM-7]
    {
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(new byte[] { 0x01, 0x03, 0xc1, 0xc1, 0xc1 });

        await EndsWithAsync(ErrorCode.MalformedFrame, connection);
    });

    [Fact]
    public void ACallInsteadOfAHelloIsClosed() => Run(async (_, alice, mallory) => // [CON-11] [FRM-7]
    {
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(RawMember.Call());

        await EndsWithAsync(ErrorCode.UnexpectedFrame, connection);
    });

    [Fact]
    public void ASecondHelloIsClosed() => Run(async (_, alice, mallory) => // [CON-11] [FRM-8]
    {
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await control.WriteAsync(RawMember.Hello());

        await EndsWithAsync(ErrorCode.UnexpectedFrame, connection);
    });

    [Fact]
    public void TheEndOfTheControlStreamIsClosed() => Run(async (_, alice, mallory) => // [CON-11]
    {
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await control.WriteAsync(default, WriteEnd.Finish);

        await EndsWithAsync(ErrorCode.UnexpectedFrame, connection);
    });

    [Fact]
    public void AHelloWithoutACommonVersionIsClosed() => Run(async (_, alice, mallory) => // [CON-12]
    {
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(RawMember.Bytes(new HelloFrame([99], 1, [], "future").Write));

        await EndsWithAsync(ErrorCode.VersionMismatch, connection);
    });

    [Fact]
    public void UnknownFramesAfterTheHelloAreSkipped() => Run(async (_, alice, mallory) => // [CON-11] [FRM-8]
    {
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await control.WriteAsync(new byte[] { 0x3f, 0x02, 0xff, 0xff });

        await AnswersCallsAsync(connection);
    });

    [Fact]
    public void ADrainBeforeTheHelloIsClosed() => Run(async (_, alice, mallory) => // [FRM-7]
    {
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(RawMember.Drain(DrainState.Finished));

        await EndsWithAsync(ErrorCode.UnexpectedFrame, connection);
    });

    [Fact]
    public void ADrainRightBehindTheHelloIsObeyed() => Run(async (_, alice, mallory) => // [CON-8]
    {
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync((byte[])[.. RawMember.Hello().Span, .. RawMember.Drain(DrainState.Finished).Span]);

        await EndsWithAsync(ErrorCode.DuplicateConnection, connection);
    });

    [Fact]
    public void AMalformedDrainIsClosed() => Run(async (_, alice, mallory) => // [CON-15] [FRM-15]
    {
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await control.WriteAsync(new byte[] { 0x02, 0x03, 0x92, 0xc1, 0x00 });

        await EndsWithAsync(ErrorCode.MalformedFrame, connection);
    });

    [Fact]
    public void WhoDrainsTwiceIsServedUntilItHasFinished() => Run(async (_, alice, mallory) => // [CON-8] [FRM-15]
    {
        var (connection, control) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await control.WriteAsync(RawMember.Drain(DrainState.Finishing));
        await control.WriteAsync(RawMember.Drain(DrainState.Finishing));
        await AnswersCallsAsync(connection);

        await control.WriteAsync(RawMember.Drain(DrainState.Finished));

        await EndsWithAsync(ErrorCode.DuplicateConnection, connection);
    });

    [Fact]
    public void ACallThatComesBeforeTheHelloWaitsForIt() => Run(async (_, alice, mallory) => // [CON-3]
    {
        var connection = await mallory.DialAsync(alice.LocalEndPoint);
        var call = await RawMember.SendAsync(connection, RawMember.Call());
        var answer = RawMember.ReadAnswerAsync(call);

        // Alice's own hello shows that she has judged and works on this connection; the call still waits.
        await connection.AcceptStreamAsync();
        Assert.False(answer.IsCompleted);
        var control = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await control.WriteAsync(RawMember.Hello());

        Assert.Equal(FrameType.Result, (await answer).Type);
    });

    [Fact]
    public void ASecondUnidirectionalStreamIsStoppedAndTheConnectionGoesOn() => Run(async (_, alice, mallory) => // [CON-11]
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
        var second = await connection.OpenStreamAsync(StreamDirection.Unidirectional);
        await second.WriteAsync(RawMember.Hello());

        Assert.Equal((ulong)ErrorCode.UnexpectedFrame, await second.WaitForWritesClosedAsync());
        await AnswersCallsAsync(connection);
    });

    [Theory]
    [MemberData(nameof(BrokenRequests.All), MemberType = typeof(BrokenRequests))]
    public void ABrokenRequestEndsItsStreamAndNothingElse(string what, byte[] request, ErrorCode code) => Run(async (mesh, alice, mallory) => // [CON-15] [RPC-1]
    {
        Assert.NotEmpty(what);
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
        var stream = await RawMember.SendAsync(connection, request);

        var abort = await Assert.ThrowsAsync<StreamAbortedException>(async () => await stream.ReadAsync(new byte[100]));

        Assert.Equal((ulong)code, abort.StreamCode);
        await AnswersCallsAsync(connection);
        Assert.Single(mesh.Log.Lines, line => line.Event.Id == 1004);
    });

    [Fact]
    public void ManyBrokenRequestsLeaveOneLine() => Run(async (mesh, alice, mallory) =>
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            var stream = await RawMember.SendAsync(connection, new byte[] { 0x10, 0x01, 0xc1 });
            await Assert.ThrowsAsync<StreamAbortedException>(async () => await stream.ReadAsync(new byte[100]));
        }));

        Assert.Single(mesh.Log.Lines, line => line.Event.Id == 1004);
        await AnswersCallsAsync(connection);
    });

    [Fact]
    public void AnInvalidNameGetsAnAnswer() => Run(async (_, alice, mallory) => // [FRM-24]
    {
        var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
        byte[] request = [.. RawMember.Call().Span];
        request[request.AsSpan().IndexOf("echo"u8)] = (byte)' ';

        var answer = await RawMember.ReadAnswerAsync(await RawMember.SendAsync(connection, request));

        Assert.True(ErrorFrame.TryRead(answer.Body, out var error, out ProtocolError _));
        Assert.Equal((ErrorCode.InvalidName, CallExecution.NotStarted), (error!.Code, error.Execution));
    });

    [Fact]
    public void MoreCallsThanAConnectionMayHaveAreRefusedUnstarted() => Run(
        async (mesh, alice, mallory) => // [RPC-9]
        {
            var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
            var started = 0;
            var bothStarted = new Completion<bool>(mesh.Scheduler);
            var finish = new Completion<bool>(mesh.Scheduler);
            var mayFinish = finish.Task.AsTask();
            await alice.AdvertiseAsync("hold", async (call, _) =>
            {
                if (Interlocked.Increment(ref started) == 2)
                {
                    bothStarted.TrySetResult(true);
                }

                await mayFinish;
                return call.Argument;
            });
            var held = await RawMember.SendAsync(connection, RawMember.Call("hold"));
            await RawMember.SendAsync(connection, RawMember.Call("hold"));
            await bothStarted.Task;

            var answer = await RawMember.ReadAnswerAsync(await RawMember.SendAsync(connection, RawMember.Call()));

            Assert.True(ErrorFrame.TryRead(answer.Body, out var error, out ProtocolError _));
            Assert.Equal((ErrorCode.LimitExceeded, CallExecution.NotStarted), (error!.Code, error.Execution));
            finish.TrySetResult(true);
            Assert.Equal(FrameType.Result, (await RawMember.ReadAnswerAsync(held)).Type);
        },
        limits => limits with { MaxIncomingCalls = 2 });

    [Fact]
    public void MoreConnectionsThanMayBeUnestablishedAreClosed() => Run(
        async (_, alice, mallory) => // [CON-14]
        {
            var first = await mallory.DialAsync(alice.LocalEndPoint);
            var second = await mallory.DialAsync(alice.LocalEndPoint);
            await first.AcceptStreamAsync();
            await second.AcceptStreamAsync();

            await EndsWithAsync(ErrorCode.LimitExceeded, await mallory.DialAsync(alice.LocalEndPoint));

            // Those that came first give their places back when their time is over.
            await EndsWithAsync(ErrorCode.HelloTimeout, first);
            await EndsWithAsync(ErrorCode.HelloTimeout, second);
            var (connection, _) = await mallory.EstablishAsync(alice.LocalEndPoint);
            await AnswersCallsAsync(connection);
        },
        limits => limits with { MaxUnestablished = 2 });

    private static void Run(Func<Mesh, MaculaPeer, RawMember, Task> body, Func<ConnectionOptions, ConnectionOptions>? limits = null) =>
        new TRunner().Run(async mesh =>
        {
            var realm = mesh.Found("tenant-a");
            var alice = await mesh.StartAsync(realm, "alice", options => options with
            {
                Connections = (limits ?? (same => same))(new ConnectionOptions { Establishment = new EstablishmentOptions { HelloTimeout = ShortHelloTimeout } }),
            });
            await alice.AdvertiseAsync("echo", static (call, _) => ValueTask.FromResult(call.Argument));
            await using var mallory = await RawMember.StartAsync(mesh, realm);
            await body(mesh, alice, mallory);

            // Whatever mallory did, everybody else is served.
            var bob = await mesh.StartAsync(realm, "bob");
            Assert.Equal(1, (await bob.CallAsync("echo", 1, new CallOptions { At = alice.LocalEndPoint })).Value.AsInt32());
        });

    private static async Task EndsWithAsync(ErrorCode code, TransportConnection connection)
    {
        var end = await connection.WaitForEndAsync();
        Assert.Equal((ConnectionEndOrigin.Remote, code, ErrorCodes.Describe(code).Meaning), (end.Origin, (ErrorCode)end.Code, end.Reason));
    }

    private static async Task AnswersCallsAsync(TransportConnection connection) =>
        Assert.Equal(FrameType.Result, (await RawMember.ReadAnswerAsync(await RawMember.SendAsync(connection, RawMember.Call()))).Type);
}

/// <summary>Hostile members on a simulated network.</summary>
public sealed class SimulatedHostileMembers : HostileMemberContract<SimulatedRunner>;

/// <summary>Hostile members over QUIC on loopback.</summary>
public sealed class LoopbackHostileMembers : HostileMemberContract<LoopbackRunner>;
