using Macula.Protocols.Establishment;

namespace Macula.Connections;

/// <summary>Limits of a realm's connections.</summary>
public sealed record ConnectionOptions
{
    /// <summary>How long a connection may take from the end of TLS to up.</summary>
    public EstablishmentOptions Establishment { get; init; } = new();

    /// <summary>Most accepted connections that are not up yet. Default 256 ([CON-14]). Beyond it new ones are closed with <see cref="Wire.Errors.ErrorCode.LimitExceeded"/>.</summary>
    public int MaxUnestablished { get; init; } = 256;

    /// <summary>Most calls of one connection that run at a time. Default 1,024 ([RPC-9]). Beyond it calls are refused with <see cref="Wire.Errors.ErrorCode.LimitExceeded"/>.</summary>
    public int MaxIncomingCalls { get; init; } = 1024;

    /// <summary>Longest time that a connection which another replaces waits for its calls to finish. Default 30 s ([CON-8]).</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time that a node which stops waits for running calls. Default 5 s; zero ends them at once ([RPC-11]).</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
