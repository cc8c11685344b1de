using System.Collections.Frozen;

namespace Macula.Wire.Errors;

/// <summary>What a caller may do after a failure.</summary>
public enum RetryAdvice
{
    /// <summary>The same request will fail again, wherever it goes.</summary>
    DoNotRetry,

    /// <summary>The same node may answer later.</summary>
    RetrySameNode,

    /// <summary>Another node may answer now.</summary>
    RetryOtherNode,
}

/// <summary>One line of the registry of error codes.</summary>
/// <param name="Code">The number.</param>
/// <param name="Advice">What the caller may do.</param>
/// <param name="Meaning">One sentence for people.</param>
public sealed record ErrorCodeEntry(ErrorCode Code, RetryAdvice Advice, string Meaning);

/// <summary>The registry of error codes: the one place that says what each means and what to do.</summary>
public static class ErrorCodes
{
    private static readonly FrozenDictionary<ErrorCode, ErrorCodeEntry> Entries = new ErrorCodeEntry[]
    {
        new(ErrorCode.NoError, RetryAdvice.DoNotRetry, "The other side ended in good order."),
        new(ErrorCode.InternalError, RetryAdvice.RetryOtherNode, "The other side met a bug of its own."),
        new(ErrorCode.Cancelled, RetryAdvice.DoNotRetry, "The caller gave up."),
        new(ErrorCode.DeadlineExceeded, RetryAdvice.RetryOtherNode, "The deadline passed before the outcome was known."),
        new(ErrorCode.ShuttingDown, RetryAdvice.RetryOtherNode, "The node is shutting down."),
        new(ErrorCode.LimitExceeded, RetryAdvice.RetrySameNode, "A limit of the other side was reached."),
        new(ErrorCode.MalformedFrame, RetryAdvice.DoNotRetry, "Bytes arrived that are no frame of the protocol."),
        new(ErrorCode.FrameTooLarge, RetryAdvice.DoNotRetry, "A frame is longer than its limit."),
        new(ErrorCode.UnexpectedFrame, RetryAdvice.DoNotRetry, "A frame arrived where it may not stand."),
        new(ErrorCode.HelloTimeout, RetryAdvice.RetrySameNode, "No hello came in time."),
        new(ErrorCode.VersionMismatch, RetryAdvice.DoNotRetry, "The two nodes share no protocol version."),
        new(ErrorCode.InvalidName, RetryAdvice.DoNotRetry, "A name breaks the rules for names."),
        new(ErrorCode.UnknownContentType, RetryAdvice.RetryOtherNode, "The node does not know the payload's content type; a newer one may."),
        new(ErrorCode.CertificateMissing, RetryAdvice.DoNotRetry, "No certificate was shown."),
        new(ErrorCode.CertificateMalformed, RetryAdvice.DoNotRetry, "The certificate does not fit the profile of node certificates."),
        new(ErrorCode.CertificateUntrusted, RetryAdvice.DoNotRetry, "The certificate was not issued by the realm's authority."),
        new(ErrorCode.CertificateExpired, RetryAdvice.DoNotRetry, "The certificate has expired."),
        new(ErrorCode.CertificateNotYetValid, RetryAdvice.DoNotRetry, "The certificate is not valid yet; look at the clocks of both machines."),
        new(ErrorCode.CertificateRevoked, RetryAdvice.DoNotRetry, "The certificate was revoked."),
        new(ErrorCode.CertificateWrongRealm, RetryAdvice.DoNotRetry, "The certificate names another realm."),
        new(ErrorCode.CertificateWrongUsage, RetryAdvice.DoNotRetry, "The certificate may not be used for this."),
        new(ErrorCode.UnexpectedNode, RetryAdvice.RetryOtherNode, "Another node than the one dialled answered at this address."),
        new(ErrorCode.DuplicateConnection, RetryAdvice.RetrySameNode, "The two nodes hold another connection, which stays."),
        new(ErrorCode.NotPermitted, RetryAdvice.DoNotRetry, "The realm's policy does not allow it."),
        new(ErrorCode.RealmNotServed, RetryAdvice.RetryOtherNode, "The node does not serve this realm."),
        new(ErrorCode.NoSuchProcedure, RetryAdvice.RetryOtherNode, "The node does not provide this procedure."),
        new(ErrorCode.HandlerFailed, RetryAdvice.DoNotRetry, "The procedure's handler failed."),
        new(ErrorCode.InvalidArgument, RetryAdvice.DoNotRetry, "The handler refused the argument."),
        new(ErrorCode.NoProvider, RetryAdvice.RetrySameNode, "Nobody in the realm provides this procedure."),
        new(ErrorCode.ConnectionLost, RetryAdvice.RetryOtherNode, "The connection ended before the outcome was known."),
        new(ErrorCode.PayloadTooLarge, RetryAdvice.DoNotRetry, "The payload is larger than its limit."),
        new(ErrorCode.Unreachable, RetryAdvice.RetryOtherNode, "No address of the node could be reached."),
        new(ErrorCode.RecordInvalid, RetryAdvice.DoNotRetry, "The record is malformed, too long, not signed by its publisher, or under a key that is not its own."),
        new(ErrorCode.RecordExpired, RetryAdvice.DoNotRetry, "The record has expired."),
        new(ErrorCode.RecordFromFuture, RetryAdvice.DoNotRetry, "The record is from more than 5 minutes ahead of the holder's clock; look at the clocks of both machines."),
        new(ErrorCode.RecordSuperseded, RetryAdvice.DoNotRetry, "The holder has a newer record of this publisher under this key."),
        new(ErrorCode.CertificateUnknown, RetryAdvice.RetryOtherNode, "The node does not hold the certificate."),
        new(ErrorCode.InClientMode, RetryAdvice.RetryOtherNode, "The node is in client mode and serves the DHT nothing but its own records."),
    }.ToFrozenDictionary(entry => entry.Code);

    /// <summary>Every code that is named, in the order of the numbers.</summary>
    public static IReadOnlyList<ErrorCodeEntry> All { get; } = [.. Entries.Values.OrderBy(entry => entry.Code)];

    /// <summary>The entry of a code. A number that is not named gets one that says so and advises against a retry.</summary>
    public static ErrorCodeEntry Describe(ErrorCode code) =>
        Entries.TryGetValue(code, out var entry) ? entry : new(code, RetryAdvice.DoNotRetry, $"The other side gave error {(ushort)code}, which this version does not know.");

    /// <summary>Takes a code from the wire. What does not fit 16 bits is not one of ours and becomes <see cref="ErrorCode.InternalError"/>.</summary>
    public static ErrorCode FromWire(ulong value) => value <= ushort.MaxValue ? (ErrorCode)value : ErrorCode.InternalError;
}
