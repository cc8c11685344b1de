namespace Macula.Wire.Errors;

/// <summary>Why something was refused, ended or failed, as one number on every wire (docs/protocol/04-errors.md).</summary>
/// <remarks>
/// Numbers are never reused. A number from a newer node that is not named here stays that number and is treated by its range:
/// see <see cref="ErrorCodes"/>.
/// </remarks>
public enum ErrorCode : ushort
{
    /// <summary>Nothing went wrong: an orderly end.</summary>
    NoError = 0,

    /// <summary>The other side met a bug of its own.</summary>
    InternalError = 1,

    /// <summary>The caller gave up.</summary>
    Cancelled = 2,

    /// <summary>The deadline passed.</summary>
    DeadlineExceeded = 3,

    /// <summary>The node is shutting down.</summary>
    ShuttingDown = 4,

    /// <summary>A limit of the other side was reached; the detail names it.</summary>
    LimitExceeded = 5,

    /// <summary>Bytes that are no frame of the protocol.</summary>
    MalformedFrame = 20,

    /// <summary>A frame or value longer than its limit.</summary>
    FrameTooLarge = 21,

    /// <summary>A known frame where it may not stand.</summary>
    UnexpectedFrame = 22,

    /// <summary>No hello came in time.</summary>
    HelloTimeout = 23,

    /// <summary>The two sides share no protocol version.</summary>
    VersionMismatch = 24,

    /// <summary>A name that breaks the rules for names.</summary>
    InvalidName = 25,

    /// <summary>A payload of a content type that the node does not know.</summary>
    UnknownContentType = 26,

    /// <summary>No certificate was shown.</summary>
    CertificateMissing = 40,

    /// <summary>The certificate does not fit the profile of node certificates.</summary>
    CertificateMalformed = 41,

    /// <summary>The certificate was not issued by the realm's authority.</summary>
    CertificateUntrusted = 42,

    /// <summary>The certificate's time is over.</summary>
    CertificateExpired = 43,

    /// <summary>The certificate's time has not begun.</summary>
    CertificateNotYetValid = 44,

    /// <summary>The certificate was revoked.</summary>
    CertificateRevoked = 45,

    /// <summary>The certificate names another realm.</summary>
    CertificateWrongRealm = 46,

    /// <summary>The certificate may not be used for this.</summary>
    CertificateWrongUsage = 47,

    /// <summary>The node that answered is not the one that was dialled.</summary>
    UnexpectedNode = 48,

    /// <summary>The two nodes hold another connection, which stays.</summary>
    DuplicateConnection = 49,

    /// <summary>The realm's policy does not allow it.</summary>
    NotPermitted = 50,

    /// <summary>The node does not serve this realm.</summary>
    RealmNotServed = 51,

    /// <summary>The node called does not provide this procedure.</summary>
    NoSuchProcedure = 60,

    /// <summary>The procedure's handler failed; the detail is its message.</summary>
    HandlerFailed = 61,

    /// <summary>The handler refused the argument; the detail says why.</summary>
    InvalidArgument = 62,

    /// <summary>Nobody in the realm provides this procedure.</summary>
    NoProvider = 63,

    /// <summary>The connection to the node ended before the outcome was known.</summary>
    ConnectionLost = 64,

    /// <summary>The payload is larger than its limit.</summary>
    PayloadTooLarge = 65,

    /// <summary>No address of the node could be reached.</summary>
    Unreachable = 80,

    /// <summary>A record that is malformed, oversized, signed by nobody entitled, or under a key that is not its own.</summary>
    RecordInvalid = 100,

    /// <summary>A record whose time is over.</summary>
    RecordExpired = 101,

    /// <summary>A record from more than 5 minutes ahead of the holder's clock.</summary>
    RecordFromFuture = 102,

    /// <summary>A record older than the one that is held.</summary>
    RecordSuperseded = 103,

    /// <summary>The node does not hold the certificate that was asked for.</summary>
    CertificateUnknown = 104,

    /// <summary>The node is in client mode: it serves the DHT nothing but its own records.</summary>
    InClientMode = 105,
}
