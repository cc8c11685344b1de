using Macula.Identity.Certificates;
using Macula.Identity.Policy;
using Macula.Identity.Trust;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Identity.Records;

/// <summary>What a verifier says about a record: <see cref="Accepted"/> or <see cref="Refused"/>.</summary>
public abstract record RecordVerdict
{
    private RecordVerdict()
    {
    }

    /// <summary>The record is its publisher's. Whether the policy lets the publisher say it is a question of its own: <see cref="Authorize"/>.</summary>
    /// <param name="Record">What was verified, for the cores.</param>
    /// <param name="Publisher">Who published it, as the judge accepted its certificate.</param>
    public sealed record Accepted(VerifiedRecord Record, NodeIdentity Publisher) : RecordVerdict
    {
        /// <summary>Whether the realm's policy lets the publisher say this; where a node can be reached, every member may say [REC-9].</summary>
        public Authorization Authorize(Authorizer authorizer)
        {
            ArgumentNullException.ThrowIfNull(authorizer);
            return Record.Body.Content switch
            {
                RecordContent.Provider provider => authorizer.Authorize(Publisher, MeshAction.Advertise, provider.Procedure.Value),
                RecordContent.Subscriber subscriber => AuthorizeAll(authorizer, subscriber),
                _ => Authorization.Allowed,
            };
        }

        // [REC-9]: a record is one statement, so one pattern that is not allowed refuses it whole.
        private Authorization AuthorizeAll(Authorizer authorizer, RecordContent.Subscriber subscriber)
        {
            foreach (var pattern in subscriber.Patterns)
            {
                if (authorizer.Authorize(Publisher, MeshAction.Subscribe, pattern.Value) is { IsAllowed: false } refusal)
                {
                    return refusal;
                }
            }

            return Authorization.Allowed;
        }
    }

    /// <summary>The record must not be used.</summary>
    /// <param name="Code">Why: a code of certificates, or <see cref="ErrorCode.RecordInvalid"/>.</param>
    /// <param name="Detail">The precise reason, for this side's log.</param>
    public sealed record Refused(ErrorCode Code, string Detail) : RecordVerdict;
}

/// <summary>Makes sure that a record was signed by its publisher, a member of the realm (docs/protocol/09-records.md [REC-7], [REC-8]).</summary>
/// <remarks>Holds no state but the judge's; safe to use from several threads at once. Costs a signature check, in the order of 100 microseconds.</remarks>
public sealed class RecordVerifier : RecordCheck
{
    private readonly CertificateJudge _judge;

    /// <summary>Verifies the records of the judge's realm.</summary>
    public RecordVerifier(CertificateJudge judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        _judge = judge;
    }

    /// <summary>Verifies a record. Never throws, whatever was sent.</summary>
    /// <param name="record">The record as it came; its form, size and key were checked when it was read.</param>
    /// <param name="certificate">DER of the certificate that the record names by its hash.</param>
    /// <param name="now">The present, for the certificate's validity.</param>
    public RecordVerdict Verify(SignedRecord record, ReadOnlyMemory<byte> certificate, WallTime now)
    {
        ArgumentNullException.ThrowIfNull(record);
        // [REC-8]: the cheap questions first; a stranger must not be able to order signature checks with garbage.
        if (record.Body.Realm != _judge.Trust.RealmId)
        {
            return new RecordVerdict.Refused(ErrorCode.RecordInvalid, "The record belongs to another realm.");
        }

        if (record.Body.Certificate != CertificateHash.Compute(certificate.Span))
        {
            return new RecordVerdict.Refused(ErrorCode.RecordInvalid, "The certificate is not the one that the record names.");
        }

        switch (_judge.Judge([certificate], now))
        {
            case Verdict.Accepted(var publisher):
                return Verify(record, publisher);
            case Verdict.Refused(var code, var detail):
                return new RecordVerdict.Refused(code, detail);
            default:
                return new RecordVerdict.Refused(ErrorCode.InternalError, "The judge gave no verdict.");
        }
    }

    private RecordVerdict Verify(SignedRecord record, NodeIdentity publisher)
    {
        // [REC-8]: the id is computed from key and salt of the certificate; what the record says must be the same.
        if (record.Body.Publisher != publisher.NodeId)
        {
            return new RecordVerdict.Refused(ErrorCode.RecordInvalid, "The record names another publisher than its certificate.");
        }

        return _judge.Trust.Scheme.Verify(publisher.SubjectPublicKeyInfo.Span, record.SignedMessage, record.Signature)
            ? new RecordVerdict.Accepted(Vouch(record), publisher)
            : new RecordVerdict.Refused(ErrorCode.RecordInvalid, "The signature is not that of the publisher's key.");
    }
}
