namespace Macula.Identity.Policy;

/// <summary>What a node may want to do in its realm, each granted for itself.</summary>
public enum MeshAction
{
    /// <summary>Send events under a topic.</summary>
    Publish,

    /// <summary>Receive the events of a topic or pattern.</summary>
    Subscribe,

    /// <summary>Call a procedure.</summary>
    Call,

    /// <summary>Provide a procedure.</summary>
    Advertise,

    /// <summary>Forward packets for others.</summary>
    Relay,

    /// <summary>Keep records of the DHT for others.</summary>
    Store,
}
