using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Macula.Transport.Execution;
using Macula.Transport.Quic;
using Macula.Wire.Errors;

namespace Macula.Transport.Tests.Quic;

/// <summary>docs/protocol/02-transport.md [TRN-1] to [TRN-5], [TRN-12].</summary>
public sealed class HandshakeTests
{
    private static readonly IPEndPoint Loopback = new(IPAddress.Loopback, 0);

    [Fact]
    public async Task EachSideSeesTheOthersCertificateAndTheServerName()
    {
        await using var pair = await QuicPair.CreateAsync();
        var (dialled, accepted) = await pair.ConnectAsync();
        Assert.Equal(TestIdentities.ServerName, accepted.ServerName);
        Assert.Equal(TestIdentities.ServerName, dialled.ServerName);
        Assert.Equal(pair.ServerIdentity.CertificateChain[0].ToArray(), Assert.Single(dialled.PeerCertificates).ToArray());
        Assert.Equal(pair.ClientIdentity.CertificateChain[0].ToArray(), Assert.Single(accepted.PeerCertificates).ToArray());
        Assert.Equal(1, pair.Server.Counters.HandshakesCompleted);
        Assert.Equal(1, pair.Server.Counters.ConnectionsOpen);
    }

    [Fact]
    public async Task UnknownServerNameIsRefusedAsRealmNotServed()
    {
        await using var pair = await QuicPair.CreateAsync();
        var stranger = TestIdentities.Create("ffffffffffffffffffffffffffffffff.macula");
        var refused = await Assert.ThrowsAsync<DialException>(async () => await pair.Client.DialAsync(pair.Server.LocalEndPoint, stranger, pair.Token));
        Assert.Equal(ErrorCode.RealmNotServed, refused.Code);
        await Eventually.HoldsAsync(() => pair.Server.Counters.HandshakesFailed == 1, pair.Token);
        await pair.ConnectAsync();
    }

    [Fact]
    public async Task EachServerNameGetsItsOwnCertificateAndAReplacedOneTheNew()
    {
        await using var pair = await QuicPair.CreateAsync();
        var second = TestIdentities.Create("11111111111111111111111111111111.macula", "second");
        var replacement = TestIdentities.Create(subject: "replacement");
        pair.Server.Serve(second);
        pair.Server.Serve(replacement);
        var toSecond = await pair.Client.DialAsync(pair.Server.LocalEndPoint, TestIdentities.Create(second.ServerName), pair.Token);
        Assert.Equal(second.CertificateChain[0].ToArray(), toSecond.PeerCertificates[0].ToArray());
        var toFirst = await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token);
        Assert.Equal(replacement.CertificateChain[0].ToArray(), toFirst.PeerCertificates[0].ToArray());
    }

    [Fact]
    public async Task OtherApplicationProtocolIsRefused()
    {
        await using var pair = await QuicPair.CreateAsync(client: new EndpointOptions { ApplicationProtocol = "other/1" });
        var refused = await Assert.ThrowsAsync<DialException>(async () => await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token));
        Assert.Equal(ErrorCode.VersionMismatch, refused.Code);
    }

    [Fact]
    public async Task ClientWithoutCertificateIsRefused()
    {
        Assert.SkipUnless(ExternalPeers.Client is not null, "gtlsclient is not installed (package ngtcp2-client)");
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { ApplicationProtocol = "h3" });
        pair.Server.Serve(TestIdentities.Create(ExternalPeers.ServerName));
        var output = await ExternalPeers.RunClientAsync(pair.Server.LocalEndPoint, [], pair.Token);

        // CRYPTO_ERROR 0x100 + certificate_required (116).
        Assert.Contains("0x174", output, StringComparison.Ordinal);
        Assert.Equal(0, pair.Server.Counters.HandshakesCompleted);
        await Eventually.HoldsAsync(() => pair.Server.Counters.HandshakesFailed == 1, pair.Token);
    }

    [Fact]
    public async Task ClientOfAnotherMakeWithCertificateIsAccepted()
    {
        Assert.SkipUnless(ExternalPeers.Client is not null, "gtlsclient is not installed (package ngtcp2-client)");
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { ApplicationProtocol = "h3" });
        pair.Server.Serve(TestIdentities.Create(ExternalPeers.ServerName));
        var files = ExternalPeers.WriteIdentity(pair.ClientIdentity);
        var running = ExternalPeers.RunClientAsync(pair.Server.LocalEndPoint, ["--key", files.Key, "--cert", files.Certificate], pair.Token);
        var accepted = await pair.Server.AcceptConnectionAsync(pair.Token);
        Assert.Equal(pair.ClientIdentity.CertificateChain[0].ToArray(), accepted!.PeerCertificates[0].ToArray());
        accepted.Close(0, "");
        await running;
    }

    [Fact]
    public async Task DialToNobodyEndsAsUnreachableWithinTheHandshakeTimeout()
    {
        await using var pair = await QuicPair.CreateAsync(client: new EndpointOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        var nobody = await QuicPair.CreateAsync();
        var address = nobody.Server.LocalEndPoint;
        await nobody.DisposeAsync();
        var watch = Stopwatch.StartNew();
        var refused = await Assert.ThrowsAsync<DialException>(async () => await pair.Client.DialAsync(address, pair.ClientIdentity, pair.Token));
        Assert.Equal(ErrorCode.Unreachable, refused.Code);
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task WhoLearnsThatADialFailedFindsItCounted()
    {
        // The scheduler is called where the outcome is set: what it sees, nobody who resumes can see earlier.
        var scheduler = new WatchingScheduler();
        await using var client = await new QuicTransport().BindAsync(
            new EndpointOptions { LocalEndPoint = Loopback, HandshakeTimeout = TimeSpan.FromMilliseconds(300) }, scheduler);
        await using var pair = await QuicPair.CreateAsync();
        await using var silent = new UdpForwarder(pair.Server.LocalEndPoint) { UpwardIsCut = true };
        var seen = new List<EndpointCounters>();
        scheduler.Watch = () => seen.Add(client.Counters);
        await Assert.ThrowsAsync<DialException>(() => Task.Run(() => client.DialAsync(silent.ClientSide, pair.ClientIdentity, pair.Token).AsTask(), pair.Token));
        Assert.Equal((0, 1), Assert.Single(seen.Select(static counters => (counters.ConnectionsOpen, counters.HandshakesFailed))));
    }

    [Fact]
    public async Task CancelledDialLeavesNothingOpen()
    {
        await using var pair = await QuicPair.CreateAsync();
        using var cancel = new CancellationTokenSource();
        await using var silent = new UdpForwarder(pair.Server.LocalEndPoint) { UpwardIsCut = true };
        var dialling = pair.Client.DialAsync(silent.ClientSide, pair.ClientIdentity, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dialling);
        await Eventually.HoldsAsync(() => pair.Client.Counters.ConnectionsOpen == 0, pair.Token);
    }

    [Fact]
    public async Task EndpointWithoutIdentitiesAnswersNothing()
    {
        await using var pair = await QuicPair.CreateAsync(client: new EndpointOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        await using var other = await new QuicTransport().BindAsync(new EndpointOptions { LocalEndPoint = Loopback }, QuicPair.Scheduler, pair.Token);
        await Assert.ThrowsAsync<DialException>(async () => await pair.Client.DialAsync(other.LocalEndPoint, pair.ClientIdentity, pair.Token));
        Assert.Equal(0, other.Counters.PacketsSent);
        Assert.Equal(other.Counters.PacketsReceived, other.Counters.PacketsDropped);
    }

    [Fact]
    public async Task ConnectionsBeyondTheLimitAreDroppedAndDialsSayWhy()
    {
        await using var pair = await QuicPair.CreateAsync(
            new EndpointOptions { MaxConnections = 1 }, new EndpointOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        await pair.ConnectAsync();
        var unanswered = await Assert.ThrowsAsync<DialException>(async () => await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token));
        Assert.Equal(ErrorCode.Unreachable, unanswered.Code);
        Assert.True(pair.Server.Counters.ConnectionsRefused > 0);
        var refused = await Assert.ThrowsAsync<DialException>(async () => await pair.Server.DialAsync(pair.Client.LocalEndPoint, pair.ClientIdentity, pair.Token));
        Assert.Equal(ErrorCode.LimitExceeded, refused.Code);
    }

    [Fact]
    public async Task ConnectionsBeyondTheBacklogAreClosedWithTheLimitCode()
    {
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { AcceptBacklog = 1 });
        var first = await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token);
        await Eventually.HoldsAsync(() => pair.Server.Counters.HandshakesCompleted == 1, pair.Token);
        var second = await pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity, pair.Token);
        var end = await second.WaitForEndAsync(pair.Token);
        Assert.Equal((ConnectionEndOrigin.Remote, (ulong)ErrorCode.LimitExceeded), (end.Origin, end.Code));
        Assert.NotNull(await pair.Server.AcceptConnectionAsync(pair.Token));
        Assert.True(first.RoundTripTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task ManyHalfOpenHandshakesMakeClientsProveTheirAddress()
    {
        await using var pair = await QuicPair.CreateAsync(new EndpointOptions { AcceptBacklog = 400 });
        var retries = 0;
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint) { DownwardIsCut = true };
        path.Downward = packet => retries += IsRetry(packet) ? 1 : 0;
        var dials = Enumerable.Range(0, 300).Select(_ => pair.Client.DialAsync(path.ClientSide, pair.ClientIdentity, pair.Token).AsTask()).ToArray();
        await Eventually.HoldsAsync(() => retries > 0, pair.Token);
        path.DownwardIsCut = false;
        await Task.WhenAll(dials);
        await Eventually.HoldsAsync(() => pair.Server.Counters.HandshakesCompleted == dials.Length, pair.Token);
    }

    [Fact]
    public async Task ClientWhoseHelloCameOutOfOrderIsAskedToBeginAnew()
    {
        await using var pair = await QuicPair.CreateAsync();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Bind(Loopback);
        byte[] sourceId = [9, 8, 7, 6, 5, 4, 3, 2];
        var packet = ClientInitial.FromTheMiddle([1, 2, 3, 4, 5, 6, 7, 8], sourceId);
        var buffer = new byte[1500];

        // The same id again is looked at anew: nothing was kept under it.
        for (var i = 1; i <= 2; i++)
        {
            client.SendTo(packet, pair.Server.LocalEndPoint);
            var length = await client.ReceiveAsync(buffer, pair.Token);
            Assert.True(IsRetry(buffer[..length]));
            Assert.Equal(sourceId, buffer[6..14]);
            Assert.Equal(0, pair.Server.Counters.ConnectionsOpen);
        }

        await pair.ConnectAsync();
    }

    [Fact]
    public async Task CancellationAfterTheDialSucceededClosesNothing()
    {
        await using var pair = await QuicPair.CreateAsync();
        var scheduler = new HeldScheduler();
        await using var client = await new QuicTransport().BindAsync(new EndpointOptions { LocalEndPoint = Loopback }, scheduler, pair.Token);
        using var cancel = new CancellationTokenSource();

        // The server hears nothing before the dial is awaited: one that has its outcome by then resumes nobody, and nothing is held.
        using var awaited = new ManualResetEventSlim();
        await using var path = new UdpForwarder(pair.Server.LocalEndPoint) { Upward = _ => awaited.Wait(pair.Token) };
        using var hold = scheduler.Hold();
        Task<TransportConnection>? dialling = null;
        await Task.Run(
            () =>
            {
                dialling = client.DialAsync(path.ClientSide, pair.ClientIdentity, cancel.Token).AsTask();
                awaited.Set();
            },
            pair.Token);
        await Eventually.HoldsAsync(() => scheduler.Count > 0, pair.Token);
        await cancel.CancelAsync();
        hold.Dispose();
        var dialled = await dialling!;
        var accepted = await pair.Server.AcceptConnectionAsync(pair.Token);
        _ = accepted!.EchoAsync(pair.Token);
        Assert.Equal(new byte[3], await dialled.AskAsync(new byte[3], pair.Token));
    }

    [Fact]
    public async Task PortInUseAndForeignAddressAreSaidClearly()
    {
        await using var pair = await QuicPair.CreateAsync();
        var transport = new QuicTransport();
        var taken = await Assert.ThrowsAsync<BindException>(async () =>
            await transport.BindAsync(new EndpointOptions { LocalEndPoint = pair.Server.LocalEndPoint }, QuicPair.Scheduler, pair.Token));
        Assert.Contains("in use", taken.Message, StringComparison.Ordinal);

        // TEST-NET-1 (RFC 5737): of no machine.
        var foreign = await Assert.ThrowsAsync<BindException>(async () =>
            await transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0) }, QuicPair.Scheduler, pair.Token));
        Assert.Contains("not an address of this machine", foreign.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnusableIdentityIsRefusedBeforeAnythingIsSent()
    {
        await using var pair = await QuicPair.CreateAsync();
        var other = TestIdentities.Create();
        Assert.Throws<ArgumentException>(() => pair.Server.Serve(pair.ServerIdentity with { PrivateKeyPkcs8 = other.PrivateKeyPkcs8 }));
        Assert.Throws<ArgumentException>(() => pair.Server.Serve(pair.ServerIdentity with { CertificateChain = [] }));
        Assert.Throws<ArgumentException>(() => pair.Server.Serve(TestIdentities.Create(extraBytes: 17 << 10)));
        Assert.Throws<ArgumentException>(() => { _ = pair.Client.DialAsync(pair.Server.LocalEndPoint, pair.ClientIdentity with { PrivateKeyPkcs8 = new byte[10] }, pair.Token).AsTask(); });
    }

    [Theory]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    [InlineData("::1", "::1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    public async Task BothAddressFamiliesAreServed(string bound, string dialled)
    {
        var transport = new QuicTransport();
        var target = IPAddress.Parse(dialled);
        await using var pair = await QuicPair.CreateAsync();
        await using var server = await transport.BindAsync(new EndpointOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse(bound), 0) }, QuicPair.Scheduler, pair.Token);
        await using var client = await transport.BindAsync(
            new EndpointOptions { LocalEndPoint = new IPEndPoint(target, 0) }, QuicPair.Scheduler, pair.Token);
        server.Serve(pair.ServerIdentity);
        var connection = await client.DialAsync(new IPEndPoint(target, server.LocalEndPoint.Port), pair.ClientIdentity, pair.Token);
        var accepted = await server.AcceptConnectionAsync(pair.Token);
        Assert.Equal(client.LocalEndPoint, accepted!.BirthRemoteEndPoint);
        Assert.Equal(new Carrier.Direct(client.LocalEndPoint), accepted.Carrier);
        _ = accepted.EchoAsync(pair.Token);
        Assert.Equal(new byte[100], await connection.AskAsync(new byte[100], pair.Token));
    }

    // RFC 9000 §17.2.5: long header, type 3.
    private static bool IsRetry(byte[] packet) => (packet[0] & 0xF0) == 0xF0;

    private sealed class WatchingScheduler : MeshScheduler
    {
        public override TimeProvider Time => TimeProvider.System;

        public Action? Watch { get; set; }

        protected override void Schedule(IThreadPoolWorkItem item)
        {
            Watch?.Invoke();
            ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
        }
    }
}
