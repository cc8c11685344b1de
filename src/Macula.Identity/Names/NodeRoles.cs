namespace Macula.Identity.Names;

/// <summary>What a node may be in its realm, as its certificate says. A node may have several roles and has the permissions of them all.</summary>
/// <remarks>The numbers stand in certificates (docs/protocol/01-identity.md [ID-10]); bits without a name are kept and mean nothing.</remarks>
[Flags]
public enum NodeRoles
{
    /// <summary>No role; no certificate is issued with it.</summary>
    None = 0,

    /// <summary>An application's node.</summary>
    Peer = 1,

    /// <summary>A publicly reachable node that serves others.</summary>
    Gateway = 2,

    /// <summary>A node whose address new nodes are given.</summary>
    Bootstrap = 4,
}
