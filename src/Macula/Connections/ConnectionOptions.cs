using Macula.Protocols.Establishment;

namespace Macula.Connections;

/// <summary>Limits of a realm's connections.</summary>
public sealed record ConnectionOptions
{
    /// <summary>How long a connection may take from the end of TLS to up.</summary>
    public EstablishmentOptions Establishment { get; init; } = new();

    /// <summary>Most accepted connections that are not up yet. Default 256 ([CON-14]); range 1 to 65,536. Beyond it new ones are closed with <see cref="Wire.Errors.ErrorCode.LimitExceeded"/>.</summary>
    public int MaxUnestablished { get; init; } = 256;

    /// <summary>Most calls of one connection that run at a time. Default 1,024 ([RPC-9]); range 1 to 65,536. Beyond it calls are refused with <see cref="Wire.Errors.ErrorCode.LimitExceeded"/>.</summary>
    public int MaxIncomingCalls { get; init; } = 1024;

    /// <summary>Longest time that a connection which another replaces waits for its calls to finish. Default 30 s ([CON-8]); range 0 to 1 h.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence after which a connection that no application has used closes. Default 60 s ([CON-16]); range 1 s to 1 h.</summary>
    /// <remarks>The smaller of both nodes' values decides. A short one costs a new handshake for each lookup that comes by later.</remarks>
    public TimeSpan DhtIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest time that a node which stops waits for its events to be sent, and then for running calls. Default 5 s; range 0 to 1 h; zero ends them at once ([RPC-11], [PUB-16]).</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        ThrowUnless(Establishment.HelloTimeout >= TimeSpan.FromMilliseconds(100) && Establishment.HelloTimeout <= TimeSpan.FromMinutes(1), nameof(Establishment.HelloTimeout), "100 ms to 1 min");
        ThrowUnless(MaxUnestablished is >= 1 and <= 65_536, nameof(MaxUnestablished), "1 to 65,536");
        ThrowUnless(MaxIncomingCalls is >= 1 and <= 65_536, nameof(MaxIncomingCalls), "1 to 65,536");
        ThrowUnless(DrainTimeout >= TimeSpan.Zero && DrainTimeout <= TimeSpan.FromHours(1), nameof(DrainTimeout), "0 to 1 h");
        ThrowUnless(DhtIdleTimeout >= TimeSpan.FromSeconds(1) && DhtIdleTimeout <= TimeSpan.FromHours(1), nameof(DhtIdleTimeout), "1 s to 1 h");
        ThrowUnless(ShutdownTimeout >= TimeSpan.Zero && ShutdownTimeout <= TimeSpan.FromHours(1), nameof(ShutdownTimeout), "0 to 1 h");

        static void ThrowUnless(bool condition, string option, string range)
        {
            if (!condition)
            {
                throw new ArgumentOutOfRangeException(option, $"{option} must be {range}.");
            }
        }
    }
}
