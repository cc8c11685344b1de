namespace Macula.Testing.Network;

/// <summary>How packets get from one host to another, one way.</summary>
public sealed record Link
{
    private readonly double _loss;
    private readonly double _reordering;
    private readonly double _corruption;

    /// <summary>Shortest time that a packet takes. Default 10 ms.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Most that is added to <see cref="Latency"/>, each time anew and evenly spread. Default 2 ms.</summary>
    /// <remarks>Packets overtake each other when it is larger than the time between them.</remarks>
    public TimeSpan Jitter { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Share of packets that are lost, 0 to 1. Default 0. At 1 nothing arrives.</summary>
    public double Loss
    {
        get => _loss;
        init => _loss = Share(value);
    }

    /// <summary>Share of datagrams and raw packets that are held up by <see cref="ReorderingDelay"/>, 0 to 1. Default 0.</summary>
    public double Reordering
    {
        get => _reordering;
        init => _reordering = Share(value);
    }

    /// <summary>How long a packet is held up that others shall overtake. Default 20 ms.</summary>
    public TimeSpan ReorderingDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Share of streams whose first byte arrives as another one, 0 to 1. Default 0.</summary>
    /// <remarks>No path does that to QUIC, which seals its packets. It stands for a node whose memory or program is broken, at the place where every frame has its type.</remarks>
    public double Corruption
    {
        get => _corruption;
        init => _corruption = Share(value);
    }

    /// <summary>Between two programs on one host: 50 µs, nothing lost. What loopback takes on current machines.</summary>
    public static Link Loopback { get; } = new() { Latency = TimeSpan.FromMicroseconds(50), Jitter = TimeSpan.Zero };

    private static double Share(double value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1);
        return value;
    }
}

/// <summary>For which ways between two hosts something is meant.</summary>
public enum LinkWays
{
    /// <summary>There and back.</summary>
    Both,

    /// <summary>From the first host to the second only.</summary>
    FirstToSecond,
}
