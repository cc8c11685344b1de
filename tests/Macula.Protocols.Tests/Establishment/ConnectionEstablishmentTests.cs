using Macula.Protocols.Establishment;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Protocols.Tests.Establishment;

/// <summary>docs/protocol/06-connection.md [CON-2] to [CON-4], [CON-10] to [CON-12].</summary>
public sealed class ConnectionEstablishmentTests
{
    private static readonly NodeId Self = NodeIds.Numbered(1);
    private static readonly NodeId Peer = NodeIds.Numbered(2);
    private static readonly Instant Start = new(TimeSpan.FromHours(1));
    private static readonly EstablishmentOptions Options = new();

    private readonly ConnectionEstablishment _accepted = new(Self, wanted: null, Start, Options);

    [Fact]
    public void NothingIsSentBeforeTheVerdict() // [CON-2]
    {
        _accepted.HandleHello(Hello());

        Assert.Empty(Poll(_accepted));
    }

    [Fact]
    public void TheHelloIsSentAfterTheVerdict() // [CON-2]
    {
        _accepted.HandleAccepted(Peer);

        Assert.IsType<EstablishmentOutput.SendHello>(Assert.Single(Poll(_accepted)));
    }

    [Fact]
    public void VerdictThenHelloBringsTheConnectionUp() // [CON-3]
    {
        _accepted.HandleAccepted(Peer);
        _accepted.HandleHello(Hello(instance: 77));

        Assert.Equal(77UL, Assert.IsType<EstablishmentOutput.Up>(Poll(_accepted)[^1]).Peer.Instance);
    }

    [Fact]
    public void HelloThenVerdictBringsTheConnectionUp() // [CON-3]
    {
        _accepted.HandleHello(Hello());
        _accepted.HandleAccepted(Peer);

        var outputs = Poll(_accepted);
        Assert.IsType<EstablishmentOutput.SendHello>(outputs[0]);
        Assert.IsType<EstablishmentOutput.Up>(outputs[1]);
    }

    [Fact]
    public void ARefusedCertificateClosesWithItsCodeAndSendsNoHello() // [CON-2] [CON-9]
    {
        _accepted.HandleHello(Hello());
        _accepted.HandleRefused(ErrorCode.CertificateExpired, "ended yesterday");

        Assert.Equal(new EstablishmentOutput.Close(ErrorCode.CertificateExpired, "ended yesterday"), Assert.Single(Poll(_accepted)));
    }

    [Fact]
    public void AnotherNodeThanTheOneDialledEndsTheConnectionBeforeAnythingIsSent() // [CON-4]
    {
        var dialled = new ConnectionEstablishment(Self, NodeIds.Numbered(3), Start, Options);

        dialled.HandleAccepted(Peer);

        Assert.Equal(ErrorCode.UnexpectedNode, Assert.IsType<EstablishmentOutput.Close>(Assert.Single(Poll(dialled))).Code);
    }

    [Fact]
    public void TheNodeThatWasDialledIsTaken() // [CON-4]
    {
        var dialled = new ConnectionEstablishment(Self, Peer, Start, Options);

        dialled.HandleAccepted(Peer);

        Assert.IsType<EstablishmentOutput.SendHello>(Assert.Single(Poll(dialled)));
    }

    [Fact]
    public void ANodeThatReachesItselfCloses() // [CON-4]
    {
        _accepted.HandleAccepted(Self);

        Assert.Equal(ErrorCode.UnexpectedNode, Assert.IsType<EstablishmentOutput.Close>(Assert.Single(Poll(_accepted))).Code);
    }

    [Fact]
    public void NoHelloInTimeCloses() // [CON-10]
    {
        _accepted.HandleAccepted(Peer);
        Poll(_accepted);

        Assert.Equal(Start + Options.HelloTimeout, _accepted.PollTimeout());
        _accepted.HandleTimeout(Start + Options.HelloTimeout - TimeSpan.FromTicks(1));
        Assert.Empty(Poll(_accepted));
        _accepted.HandleTimeout(Start + Options.HelloTimeout);
        Assert.Equal(ErrorCode.HelloTimeout, Assert.IsType<EstablishmentOutput.Close>(Assert.Single(Poll(_accepted))).Code);
        Assert.Equal(Instant.Never, _accepted.PollTimeout());
    }

    [Fact]
    public void NoVerdictInTimeCloses() // [CON-10]
    {
        _accepted.HandleHello(Hello());
        _accepted.HandleTimeout(Start + Options.HelloTimeout);

        Assert.Equal(ErrorCode.HelloTimeout, Assert.IsType<EstablishmentOutput.Close>(Assert.Single(Poll(_accepted))).Code);
    }

    [Fact]
    public void ASecondHelloBeforeTheVerdictCloses() // [CON-11]
    {
        _accepted.HandleHello(Hello());
        _accepted.HandleHello(Hello());

        Assert.Equal(ErrorCode.UnexpectedFrame, Assert.IsType<EstablishmentOutput.Close>(Assert.Single(Poll(_accepted))).Code);
    }

    [Fact]
    public void TheHighestCommonVersionIsSpoken() // [CON-12]
    {
        _accepted.HandleAccepted(Peer);
        _accepted.HandleHello(Hello(versions: [9, 1]));

        Assert.Equal(1u, Assert.IsType<EstablishmentOutput.Up>(Poll(_accepted)[^1]).Peer.Version);
    }

    [Fact]
    public void SidesWithoutACommonVersionPart() // [CON-12]
    {
        _accepted.HandleAccepted(Peer);
        _accepted.HandleHello(Hello(versions: [9, 8]));

        Assert.Equal(ErrorCode.VersionMismatch, Assert.IsType<EstablishmentOutput.Close>(Poll(_accepted)[^1]).Code);
    }

    [Fact]
    public void NothingHappensAfterTheEnd()
    {
        _accepted.HandleRefused(ErrorCode.CertificateUntrusted, "");
        Poll(_accepted);

        _accepted.HandleAccepted(Peer);
        _accepted.HandleHello(Hello());
        _accepted.HandleProtocolError(new ProtocolError(ErrorCode.MalformedFrame, "FRM-1", ""));
        _accepted.HandleTimeout(Start + TimeSpan.FromDays(1));

        Assert.Empty(Poll(_accepted));
    }

    [Fact]
    public void AnyOrderOfEventsEndsOnceAndSendsAtMostOneHello()
    {
        // Every sequence of up to five of seven events: 7^5 = 16,807 of them, the whole space.
        Action<ConnectionEstablishment>[] events =
        [
            core => core.HandleAccepted(Peer),
            core => core.HandleAccepted(Self),
            core => core.HandleRefused(ErrorCode.CertificateUntrusted, ""),
            core => core.HandleHello(Hello()),
            core => core.HandleHello(Hello(versions: [9])),
            core => core.HandleProtocolError(new ProtocolError(ErrorCode.MalformedFrame, "FRM-1", "")),
            core => core.HandleTimeout(Start + TimeSpan.FromDays(1)),
        ];
        for (var sequence = 0; sequence < 16_807; sequence++)
        {
            var core = new ConnectionEstablishment(Self, wanted: null, Start, Options);
            for (var (rest, step) = (sequence, 0); step < 5; step++, rest /= 7)
            {
                events[rest % 7](core);
            }

            var outputs = Poll(core);
            Assert.InRange(outputs.Count(output => output is EstablishmentOutput.SendHello), 0, 1);
            Assert.InRange(outputs.Count(output => output is not EstablishmentOutput.SendHello), 0, 1);
            Assert.True(outputs.Count == 0 || outputs[^1] is not EstablishmentOutput.Up || outputs[0] is EstablishmentOutput.SendHello, $"sequence {sequence}");
        }
    }

    private static HelloFrame Hello(ulong instance = 5, uint[]? versions = null) => new([.. versions ?? [1]], instance, [], "test");

    private static List<EstablishmentOutput> Poll(ConnectionEstablishment core)
    {
        var outputs = new List<EstablishmentOutput>();
        while (core.TryPoll(out var output))
        {
            outputs.Add(output);
        }

        return outputs;
    }
}
