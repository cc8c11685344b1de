using Macula.Wire.Errors;

namespace Macula.Protocols.Establishment;

/// <summary>What the shell must do next for a connection that is not up yet.</summary>
public abstract record EstablishmentOutput
{
    private EstablishmentOutput()
    {
    }

    /// <summary>Open the control stream and send this side's hello.</summary>
    public sealed record SendHello : EstablishmentOutput;

    /// <summary>The connection is up: hand it to those who wait.</summary>
    /// <param name="Peer">What the other side said of itself.</param>
    public sealed record Up(PeerHello Peer) : EstablishmentOutput;

    /// <summary>Close the connection; the attempt is over.</summary>
    /// <param name="Code">The close code, which the other side sees.</param>
    /// <param name="Detail">The whole reason, for this side's log and caller. The other side gets the code's registered meaning only.</param>
    public sealed record Close(ErrorCode Code, string Detail) : EstablishmentOutput;
}
