using System.Net;
using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Conformance;

/// <summary>What <see cref="TransportEndpoint"/> promises of binding, dialling and accepting.</summary>
public abstract class DialConformance<TStage> : ConformanceTest<TStage>
    where TStage : ConformanceStage, new()
{
    private static readonly EndpointOptions Impatient = new() { HandshakeTimeout = TimeSpan.FromMilliseconds(300) };

    [Fact]
    public Task BothSidesSeeEachOthersCertificateAndTheServerName() => TestConnected(pair =>
    {
        Assert.Equal(ConnectionRole.Dialler, pair.Dialler.Role);
        Assert.Equal(ConnectionRole.Acceptor, pair.Acceptor.Role);
        Assert.Equal(ConformanceStage.ServerName, pair.Dialler.ServerName);
        Assert.Equal(ConformanceStage.ServerName, pair.Acceptor.ServerName);
        Assert.True(pair.Dialler.PeerCertificates[0].Span.SequenceEqual(pair.ServerIdentity.CertificateChain[0].Span));
        Assert.True(pair.Acceptor.PeerCertificates[0].Span.SequenceEqual(pair.ClientIdentity.CertificateChain[0].Span));
        Assert.Equal(pair.Server.LocalEndPoint, pair.Dialler.BirthRemoteEndPoint);
        Assert.Equal(pair.Client.LocalEndPoint, pair.Acceptor.BirthRemoteEndPoint);
        Assert.Equal(new Carrier.Direct(pair.Server.LocalEndPoint), pair.Dialler.Carrier);
        return Task.CompletedTask;
    });

    [Fact]
    public Task SystemChoosesAPortWhenNoneIsAskedFor() => Test(async stage =>
    {
        await using var one = await stage.BindServerAsync();
        await using var other = await stage.BindServerAsync();
        Assert.NotEqual(0, one.LocalEndPoint.Port);
        Assert.NotEqual(one.LocalEndPoint.Port, other.LocalEndPoint.Port);
    });

    [Fact]
    public Task PortInUseCannotBeBound() => Test(async stage =>
    {
        await using var endpoint = await stage.BindServerAsync();
        await Assert.ThrowsAsync<BindException>(async () => await stage.BindServerAsync(new EndpointOptions { LocalEndPoint = endpoint.LocalEndPoint }));
    });

    [Fact]
    public Task PortIsFreeAgainAfterDispose() => Test(async stage =>
    {
        var endpoint = await stage.BindServerAsync();
        var address = endpoint.LocalEndPoint;
        await endpoint.DisposeAsync();
        await endpoint.DisposeAsync();
        await using var again = await stage.BindServerAsync(new EndpointOptions { LocalEndPoint = address });
        Assert.Equal(address, again.LocalEndPoint);
    });

    [Fact]
    public Task AddressOfAnotherMachineCannotBeBound() => Test(async stage =>
    {
        // TEST-NET-3 (RFC 5737): nobody's.
        var options = new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("203.0.113.7"), 0) };
        await Assert.ThrowsAsync<BindException>(async () => await stage.ServerTransport.BindAsync(options, stage.Scheduler));
    });

    [Fact]
    public Task OptionOutOfItsRangeIsNamed() => Test(async stage =>
    {
        var silent = await Assert.ThrowsAnyAsync<ArgumentException>(async () => await stage.BindServerAsync(new EndpointOptions { IdleTimeout = TimeSpan.Zero }));
        Assert.Contains(nameof(EndpointOptions.IdleTimeout), silent.Message, StringComparison.Ordinal);
        var narrow = new EndpointOptions { StreamReceiveWindowBytes = 1 << 20, ConnectionReceiveWindowBytes = 1 << 19 };
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await stage.BindServerAsync(narrow));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await stage.BindServerAsync(new EndpointOptions { ApplicationProtocol = "" }));
    });

    [Fact]
    public Task UnknownServerNameIsRefused() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync();
        server.Serve(stage.MakeIdentity("server"));
        var stranger = stage.MakeIdentity("client", "ffffffffffffffffffffffffffffffff.macula");
        var refused = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, stranger));
        Assert.Equal(ErrorCode.RealmNotServed, refused.Code);
        await stage.UntilAsync(() => server.Counters.HandshakesFailed >= 1);
    });

    [Fact]
    public Task OtherApplicationProtocolIsRefused() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync(new EndpointOptions { ApplicationProtocol = "macula/999" });
        server.Serve(stage.MakeIdentity("server"));
        var refused = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client")));
        Assert.Equal(ErrorCode.VersionMismatch, refused.Code);
    });

    [Fact]
    public Task DialToAPortThatNobodyHasIsUnreachable() => Test(async stage =>
    {
        var gone = await stage.BindServerAsync();
        await gone.DisposeAsync();
        await using var client = await stage.BindClientAsync(Impatient);
        var failed = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(gone.LocalEndPoint, stage.MakeIdentity("client")));
        Assert.Equal(ErrorCode.Unreachable, failed.Code);
        Assert.Equal(0, client.Counters.ConnectionsOpen);
    });

    [Fact]
    public Task DialThatIsGivenUpEndsWithCancellation() => Test(async stage =>
    {
        var gone = await stage.BindServerAsync();
        await gone.DisposeAsync();
        await using var client = await stage.BindClientAsync();
        using var cancellation = new CancellationTokenSource();
        var dial = client.DialAsync(gone.LocalEndPoint, stage.MakeIdentity("client"), cancellation.Token).AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);
        await stage.SettleAsync();
        Assert.Equal(0, client.Counters.ConnectionsOpen);
    });

    [Fact]
    public Task TwoDialsGiveTwoConnections() => TestConnected(async pair =>
    {
        var second = await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity);
        var accepted = await pair.Server.AcceptConnectionAsync();
        Assert.NotNull(accepted);
        var (_, taken) = await ConnectedPair.OpenAsync(second, accepted, StreamDirection.Bidirectional, [1]);
        Assert.Equal([1], await taken.ReadExactlyAsync(1));
        pair.Dialler.Close(1, "the first goes");
        await pair.Acceptor.WaitForEndAsync();
        var (_, stays) = await ConnectedPair.OpenAsync(accepted, second, StreamDirection.Bidirectional, [2]);
        Assert.Equal([2], await stays.ReadExactlyAsync(1));
    });

    [Fact]
    public Task EndpointsDialEachOther() => TestConnected(async pair =>
    {
        pair.Client.Serve(pair.ClientIdentity);
        var back = await pair.Server.DialAsync(pair.Client.LocalEndPoint, pair.ServerIdentity);
        var accepted = await pair.Client.AcceptConnectionAsync();
        Assert.NotNull(accepted);
        Assert.Equal(ConnectionRole.Dialler, back.Role);
        var (_, taken) = await ConnectedPair.OpenAsync(back, accepted, StreamDirection.Unidirectional, [3], WriteEnd.Finish);
        Assert.Equal([3], await taken.ReadToEndAsync());
    });

    [Fact]
    public Task EndpointServesSeveralNamesAndTheNewestIdentityOfEach() => Test(async stage =>
    {
        const string OtherName = "abababababababababababababababab.macula";
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync();
        var newest = stage.MakeIdentity("newest");
        var other = stage.MakeIdentity("other", OtherName);
        server.Serve(stage.MakeIdentity("oldest"));
        server.Serve(newest);
        server.Serve(other);
        var first = await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client"));
        var second = await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client", OtherName));
        Assert.True(first.PeerCertificates[0].Span.SequenceEqual(newest.CertificateChain[0].Span));
        Assert.True(second.PeerCertificates[0].Span.SequenceEqual(other.CertificateChain[0].Span));
    });

    [Fact]
    public Task WithdrawnNameLooksLikeOneThatWasNeverServed() => Test(async stage => // [TRN-2]
    {
        const string OtherName = "abababababababababababababababab.macula";
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync();
        server.Serve(stage.MakeIdentity("server"));
        server.Serve(stage.MakeIdentity("other", OtherName));
        var open = await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client"));
        var accepted = await server.AcceptConnectionAsync();

        server.Withdraw(ConformanceStage.ServerName.ToUpperInvariant());
        server.Withdraw("ffffffffffffffffffffffffffffffff.macula");

        var withdrawn = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client")));
        var never = stage.MakeIdentity("client", "ffffffffffffffffffffffffffffffff.macula");
        var unknown = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, never));
        Assert.Equal(ErrorCode.RealmNotServed, withdrawn.Code);
        Assert.Equal(unknown.Message.Replace(never.ServerName, "", StringComparison.Ordinal), withdrawn.Message.Replace(ConformanceStage.ServerName, "", StringComparison.Ordinal));
        await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client", OtherName));
        var (_, taken) = await ConnectedPair.OpenAsync(open, accepted!, StreamDirection.Bidirectional, [1]);
        Assert.Equal([1], await taken.ReadExactlyAsync(1));
    });

    [Fact]
    public Task EndpointThatHasWithdrawnItsLastNameAnswersNothing() => Test(async stage => // [TRN-2]
    {
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync(Impatient);
        var identity = stage.MakeIdentity("server");
        server.Serve(identity);
        server.Withdraw(identity.ServerName);

        var failed = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client")));
        Assert.Equal(ErrorCode.Unreachable, failed.Code);

        server.Serve(identity);
        await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client"));
    });

    [Fact]
    public Task WhatTheDiallerSendsAtOnceWaitsForTheAcceptor() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync();
        server.Serve(stage.MakeIdentity("server"));
        var dialler = await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client"));
        var stream = await dialler.OpenStreamAsync(StreamDirection.Bidirectional);
        await stream.WriteAsync("first"u8.ToArray(), WriteEnd.Finish);
        await stage.SettleAsync();
        var acceptor = await server.AcceptConnectionAsync();
        var taken = await acceptor!.AcceptStreamAsync();
        Assert.Equal("first"u8.ToArray(), await taken!.ReadToEndAsync());
    });

    [Fact]
    public Task DialBeyondMaxConnectionsSaysSo() => TestConnected(
        async pair =>
        {
            var failed = await Assert.ThrowsAsync<DialException>(async () => await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity));
            Assert.Equal(ErrorCode.LimitExceeded, failed.Code);
            await pair.Stage.UntilAsync(() => pair.Client.Counters.ConnectionsRefused >= 1);
        },
        client: new EndpointOptions { MaxConnections = 1 });

    [Fact]
    public Task ConnectionsBeyondTheAcceptorsLimitAreDroppedUnanswered() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync(new EndpointOptions { MaxConnections = 1 });
        await using var client = await stage.BindClientAsync(Impatient);
        server.Serve(stage.MakeIdentity("server"));
        var identity = stage.MakeIdentity("client");
        await client.DialAsync(server.LocalEndPoint, identity);
        var failed = await Assert.ThrowsAsync<DialException>(async () => await client.DialAsync(server.LocalEndPoint, identity));
        Assert.Equal(ErrorCode.Unreachable, failed.Code);
        await stage.UntilAsync(() => server.Counters.ConnectionsRefused >= 1);
    });

    [Fact]
    public Task ConnectionsBeyondTheBacklogAreClosedWithLimitExceeded() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync(new EndpointOptions { AcceptBacklog = 1 });
        await using var client = await stage.BindClientAsync();
        server.Serve(stage.MakeIdentity("server"));
        var identity = stage.MakeIdentity("client");
        await client.DialAsync(server.LocalEndPoint, identity);
        await stage.SettleAsync();
        try
        {
            var second = await client.DialAsync(server.LocalEndPoint, identity);
            var end = await second.WaitForEndAsync();
            Assert.Equal(ConnectionEndOrigin.Remote, end.Origin);
            Assert.Equal((ulong)ErrorCode.LimitExceeded, end.Code);
        }
        catch (DialException refused)
        {
            // The refusal may come before the dialler has finished.
            Assert.Equal(ErrorCode.LimitExceeded, refused.Code);
        }
    });

    [Fact]
    public Task DisposedEndpointEndsItsConnectionsWithShuttingDown() => TestConnected(async pair =>
    {
        await pair.Server.DisposeAsync();
        var end = await pair.Dialler.WaitForEndAsync();
        Assert.Equal(ConnectionEndOrigin.Remote, end.Origin);
        Assert.Equal((ulong)ErrorCode.ShuttingDown, end.Code);
        Assert.Null(await pair.Server.AcceptConnectionAsync());
        await pair.Server.DisposeAsync();
    });

    [Fact]
    public Task DisposeEndsPendingAcceptAndDial() => Test(async stage =>
    {
        var gone = await stage.BindServerAsync();
        await gone.DisposeAsync();
        var endpoint = await stage.BindServerAsync();
        endpoint.Serve(stage.MakeIdentity("server"));
        var accept = endpoint.AcceptConnectionAsync().AsTask();
        var dial = endpoint.DialAsync(gone.LocalEndPoint, stage.MakeIdentity("client")).AsTask();
        await stage.SettleAsync();
        await endpoint.DisposeAsync();
        Assert.Null(await accept);
        await Assert.ThrowsAsync<DialException>(() => dial);
    });

    [Fact]
    public Task AcceptThatIsGivenUpLosesNoConnection() => Test(async stage =>
    {
        await using var server = await stage.BindServerAsync();
        await using var client = await stage.BindClientAsync();
        server.Serve(stage.MakeIdentity("server"));
        using var cancellation = new CancellationTokenSource();
        var accept = server.AcceptConnectionAsync(cancellation.Token).AsTask();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept);
        await client.DialAsync(server.LocalEndPoint, stage.MakeIdentity("client"));
        Assert.NotNull(await server.AcceptConnectionAsync());
    });

    [Fact]
    public Task CountersTellWhatHappened() => TestConnected(async pair =>
    {
        Assert.Equal(1, pair.Server.Counters.ConnectionsOpen);
        Assert.Equal(1, pair.Client.Counters.HandshakesCompleted);
        Assert.Equal(1, pair.Server.Counters.HandshakesCompleted);
        Assert.True(pair.Server.Counters.PacketsReceived > 0);
        Assert.True(pair.Server.Counters.PacketsSent > 0);
        pair.Dialler.Close(0, "");
        await pair.Acceptor.WaitForEndAsync();
        await pair.Stage.SettleAsync();
        Assert.Equal(0, pair.Server.Counters.ConnectionsOpen);
        Assert.Equal(0, pair.Client.Counters.ConnectionsOpen);
    });
}
