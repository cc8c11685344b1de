namespace Macula.Protocols.PubSub;

/// <summary>What a queue of events does when it is full.</summary>
public enum OverflowPolicy
{
    /// <summary>The oldest events give way to the new one. The default.</summary>
    DropOldest,

    /// <summary>The new event is dropped.</summary>
    DropNewest,

    /// <summary>Of every topic only the newest event is kept, also while there is room; when the topics alone are too many, the oldest event gives way.</summary>
    LatestOnly,

    /// <summary>Nothing more is taken: whoever reads too slowly is to be parted from the queue.</summary>
    Disconnect,
}
