namespace Macula.Identity.Files;

/// <summary>What is wrong with a file of a node's identity: what whoever runs the node must do follows from it.</summary>
public enum FileFault
{
    /// <summary>There is no such file.</summary>
    Missing,

    /// <summary>The operating system does not let this process read it.</summary>
    Unreadable,

    /// <summary>The operating system does not let this process write it, or the disk is full.</summary>
    Unwritable,

    /// <summary>It holds something else than it should, or is damaged.</summary>
    Malformed,

    /// <summary>Others than its owner may read or write it.</summary>
    PermissionsTooOpen,

    /// <summary>It exists already and is not overwritten.</summary>
    AlreadyExists,

    /// <summary>Another process is using it.</summary>
    InUse,

    /// <summary>The certificate is of another realm.</summary>
    WrongRealm,

    /// <summary>The certificate was not issued by the realm's authority, or may not be used by a node.</summary>
    Untrusted,

    /// <summary>The certificate has expired.</summary>
    Expired,

    /// <summary>The certificate is not valid yet.</summary>
    NotYetValid,

    /// <summary>The certificate was revoked.</summary>
    Revoked,

    /// <summary>Private key and certificate do not belong together.</summary>
    KeyMismatch,
}
