using Macula.Protocols.PubSub;

namespace Macula.PubSub;

/// <summary>How one subscription keeps events for a reader who is slow.</summary>
public sealed record SubscribeOptions
{
    /// <summary>Most events that wait. Default 1,024; range 1 to 1,048,576.</summary>
    public int MaxQueuedEvents { get; init; } = 1024;

    /// <summary>Most payload bytes that wait. Default 16 MiB; range 1 B to 1 GiB.</summary>
    public long MaxQueuedBytes { get; init; } = 16 << 20;

    /// <summary>What happens to events that find the queue full. Default <see cref="OverflowPolicy.DropOldest"/>.</summary>
    public OverflowPolicy Overflow { get; init; } = OverflowPolicy.DropOldest;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    internal void ThrowIfOutOfRange()
    {
        if (MaxQueuedEvents is < 1 or > 1 << 20)
        {
            throw new ArgumentOutOfRangeException(nameof(MaxQueuedEvents), $"{nameof(MaxQueuedEvents)} must be 1 to 1,048,576.");
        }

        if (MaxQueuedBytes is < 1 or > 1 << 30)
        {
            throw new ArgumentOutOfRangeException(nameof(MaxQueuedBytes), $"{nameof(MaxQueuedBytes)} must be 1 B to 1 GiB.");
        }

        if (!Enum.IsDefined(Overflow))
        {
            throw new ArgumentOutOfRangeException(nameof(Overflow), $"{nameof(Overflow)} is no policy.");
        }
    }
}
