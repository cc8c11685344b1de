namespace Macula.Protocols.Kademlia;

/// <summary>The two numbers of Kademlia (Maymounkov &amp; Mazières 2002, §2.2, §2.3), the same on every node.</summary>
public static class KademliaConstants
{
    /// <summary>k: how many nodes a bucket keeps, an answer names, and a record is stored at.</summary>
    // Twenty nodes drawn at random will hardly all leave within the half hour that a record lives without being republished.
    public const int BucketSize = 20;

    /// <summary>alpha: how many nodes a lookup that makes progress asks at once.</summary>
    public const int Parallelism = 3;
}
