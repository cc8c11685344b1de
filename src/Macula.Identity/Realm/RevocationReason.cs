namespace Macula.Identity.Realm;

/// <summary>Why a node was revoked, as every member may read it (the words of RFC 5280 §5.3.1).</summary>
public enum RevocationReason
{
    /// <summary>Not said.</summary>
    Unspecified,

    /// <summary>Somebody else may hold the private key.</summary>
    KeyCompromise,

    /// <summary>Another certificate took its place.</summary>
    Superseded,

    /// <summary>The node is gone.</summary>
    CessationOfOperation,

    /// <summary>The node may no longer be a member.</summary>
    PrivilegeWithdrawn,
}
