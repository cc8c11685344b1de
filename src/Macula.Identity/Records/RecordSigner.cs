using Macula.Identity.Credentials;
using Macula.Wire.Records;
using Macula.Wire.Time;

namespace Macula.Identity.Records;

/// <summary>Signs a node's own records (docs/protocol/09-records.md [REC-7]).</summary>
/// <remarks>Safe to use from several threads at once. Costs a signature, in the order of 100 microseconds.</remarks>
public sealed class RecordSigner : RecordCheck
{
    private readonly NodeCredentials _credentials;

    /// <summary>Signs with a node's key; who made the credentials disposes them.</summary>
    public RecordSigner(NodeCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        _credentials = credentials;
    }

    /// <summary>Signs a record of this node, in its realm and under its certificate.</summary>
    /// <param name="content">What it says.</param>
    /// <param name="state">Live, or withdrawn for a tombstone.</param>
    /// <param name="sequence">Greater than that of every earlier record of this node under this key.</param>
    /// <param name="issued">The present.</param>
    /// <param name="timeToLive">How long it holds, in whole seconds: <see cref="RecordBody.MinTimeToLive"/> to <see cref="RecordBody.MaxTimeToLive"/>.</param>
    /// <exception cref="ArgumentException">A field is outside its range; the message says which.</exception>
    public VerifiedRecord Sign(RecordContent content, RecordState state, long sequence, WallTime issued, TimeSpan timeToLive)
    {
        ArgumentNullException.ThrowIfNull(content);
        var identity = _credentials.Identity;
        var body = new RecordBody(identity.RealmId, identity.NodeId, identity.CertificateHash, sequence, issued, timeToLive, state, content);
        return Vouch(SignedRecord.Join(body, _credentials.Key.Sign(SignedRecord.SignedMessageOf(body))));
    }
}
