using Macula.Wire.Frames;

namespace Macula.PubSub;

/// <summary>How one event is published.</summary>
public sealed record PublishOptions
{
    /// <summary>Longest time for finding out who subscribes, which the first event under a topic waits for. Default 10 s; range 1 ms to 24 h.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>What came of publishing an event.</summary>
/// <param name="Id">What names the event.</param>
/// <param name="Subscribers">To how many nodes it was sent, this one included if it subscribes; nobody has confirmed that it arrived.</param>
public sealed record PublishReceipt(EventId Id, int Subscribers);
