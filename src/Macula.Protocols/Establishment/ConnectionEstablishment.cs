using System.Collections.Immutable;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Protocols.Establishment;

/// <summary>Brings one connection from the end of its TLS handshake to up, or closes it.</summary>
/// <remarks>
/// Each side sends its hello only after its own verdict on the other's certificate; a connection is up when there are one's own
/// verdict and the other's hello (docs/protocol/06-connection.md [CON-2], [CON-3]). Performs no I/O and reads no clock.
/// </remarks>
public sealed class ConnectionEstablishment
{
    /// <summary>The protocol versions that this code speaks.</summary>
    public static ImmutableArray<uint> SupportedVersions { get; } = [HelloFrame.CurrentVersion];

    private readonly NodeId _self;
    private readonly NodeId? _wanted;
    private readonly Queue<EstablishmentOutput> _outputs = new();
    private Instant _deadline;
    private HelloFrame? _hello;
    private State _state = State.AwaitingVerdict;

    /// <summary>Starts when the TLS handshake has ended.</summary>
    /// <param name="self">This node.</param>
    /// <param name="wanted">The node that was dialled; null for an accepted connection or a dial by address.</param>
    /// <param name="now">The present.</param>
    /// <param name="options">Limits.</param>
    public ConnectionEstablishment(NodeId self, NodeId? wanted, Instant now, EstablishmentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _self = self;
        _wanted = wanted;
        _deadline = now + options.HelloTimeout;
    }

    private enum State
    {
        AwaitingVerdict,
        AwaitingHello,
        Over,
    }

    /// <summary>This side has accepted the other's certificate, which makes it this node.</summary>
    public void HandleAccepted(NodeId peer)
    {
        if (_state != State.AwaitingVerdict)
        {
            return;
        }

        // [CON-4]: another node at a dialled address ends the connection before anything is sent.
        if (_wanted is { } wanted && wanted != peer)
        {
            Close(ErrorCode.UnexpectedNode, $"Node {peer} answered where node {wanted} was dialled.");
            return;
        }

        if (peer == _self)
        {
            Close(ErrorCode.UnexpectedNode, "This node reached itself: the address is its own.");
            return;
        }

        _state = State.AwaitingHello;
        _outputs.Enqueue(new EstablishmentOutput.SendHello());
        CompleteIfBothAreHere();
    }

    /// <summary>This side has refused the other's certificate.</summary>
    /// <param name="code">Why.</param>
    /// <param name="detail">The precise reason, for this side only.</param>
    public void HandleRefused(ErrorCode code, string detail)
    {
        if (_state == State.AwaitingVerdict)
        {
            Close(code, detail);
        }
    }

    /// <summary>The other side's hello has arrived; it may come before this side's verdict, and is kept until then.</summary>
    public void HandleHello(HelloFrame hello)
    {
        ArgumentNullException.ThrowIfNull(hello);
        if (_state == State.Over)
        {
            return;
        }

        if (_hello is not null)
        {
            Close(ErrorCode.UnexpectedFrame, "A second hello arrived.");
            return;
        }

        _hello = hello;
        CompleteIfBothAreHere();
    }

    /// <summary>The other side broke the protocol before the connection was up.</summary>
    public void HandleProtocolError(ProtocolError error)
    {
        if (_state != State.Over)
        {
            Close(error.Code, $"{error.Detail} [{error.Requirement}]");
        }
    }

    /// <summary>Time has passed: see <see cref="PollTimeout"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        if (_state != State.Over && now >= _deadline)
        {
            Close(ErrorCode.HelloTimeout, _state == State.AwaitingVerdict ? "No verdict was reached in time." : "The other side sent no hello in time.");
        }
    }

    /// <summary>When to call <see cref="HandleTimeout"/>; <see cref="Instant.Never"/> once the attempt is over.</summary>
    public Instant PollTimeout() => _deadline;

    /// <summary>Takes the next thing to do; false when there is nothing until something happens.</summary>
    public bool TryPoll([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out EstablishmentOutput? output) => _outputs.TryDequeue(out output);

    private void CompleteIfBothAreHere()
    {
        if (_state != State.AwaitingHello || _hello is null)
        {
            return;
        }

        // [CON-12]
        if (_hello.ChooseVersion(SupportedVersions) is not { } version)
        {
            Close(ErrorCode.VersionMismatch, $"The other side speaks versions {string.Join(", ", _hello.Versions)}; this one {string.Join(", ", SupportedVersions)}.");
            return;
        }

        End(new EstablishmentOutput.Up(new PeerHello(version, _hello.Instance, _hello.Features, _hello.Agent)));
    }

    private void Close(ErrorCode code, string detail) => End(new EstablishmentOutput.Close(code, detail));

    private void End(EstablishmentOutput last)
    {
        _state = State.Over;
        _deadline = Instant.Never;
        _outputs.Enqueue(last);
    }
}
