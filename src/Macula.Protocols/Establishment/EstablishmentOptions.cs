namespace Macula.Protocols.Establishment;

/// <summary>Limits of the time between the end of the TLS handshake and a connection that is up.</summary>
public sealed record EstablishmentOptions
{
    /// <summary>Longest wait for one's own verdict and the other side's hello together. Default 5 s; range 100 ms to 1 min.</summary>
    /// <remarks>A verdict takes under a millisecond and a hello one round trip; the rest is for a node under load.</remarks>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
