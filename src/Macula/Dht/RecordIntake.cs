using System.Collections.Immutable;
using Macula.Connections;
using Macula.Identity.Records;
using Macula.Identity.Trust;
using Macula.Realms;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.Records;

namespace Macula.Dht;

/// <summary>What came of a record that somebody sent: what was verified, or why it is not used.</summary>
/// <param name="Accepted">The record with its publisher; null when it is not used.</param>
/// <param name="Certificate">The publisher's certificate; empty when the record is not used.</param>
/// <param name="Code">Why it is not used.</param>
/// <param name="Detail">The reason in words.</param>
internal readonly record struct IntakeOutcome(RecordVerdict.Accepted? Accepted, ReadOnlyMemory<byte> Certificate, ErrorCode Code, string Detail)
{
    public static IntakeOutcome Refused(ErrorCode code, string detail) => new(null, default, code, detail);
}

/// <summary>The one way from the bytes of a record to a verified one: form, certificate, signature, permission ([REC-8], [REC-9]).</summary>
/// <remarks>Used on the realm's queue only; signatures are checked beside it, once for each distinct record.</remarks>
internal sealed class RecordIntake
{
    // A record that comes again within its life, from its other holders or by a lookup, is not checked again. About 1.5 KiB each.
    private const int MaxRemembered = 16_384;

    private readonly RealmServices _realm;
    private readonly DhtClient _client;
    private readonly CertificateStore _certificates;
    private readonly RecordVerifier _verifier;
    private readonly Dictionary<CertificateHash, Task<IntakeOutcome>> _byDigest = [];
    private readonly Queue<CertificateHash> _oldest = new();
    private readonly Dictionary<(NodeId From, CertificateHash Hash), Task<ReadOnlyMemory<byte>>> _fetches = [];

    public RecordIntake(RealmServices realm, DhtClient client, CertificateStore certificates)
    {
        _realm = realm;
        _client = client;
        _certificates = certificates;
        _verifier = new RecordVerifier(realm.Judge);
    }

    /// <summary>Verifies records that one node delivered; those that are not valid and permitted are counted and left out.</summary>
    /// <param name="from">Over which connection they came; certificates that are missing are asked for there.</param>
    /// <param name="records">The records as they came.</param>
    public async ValueTask<ImmutableArray<VerifiedRecord>> TakeAllAsync(MeshConnection from, ImmutableArray<ReadOnlyMemory<byte>> records)
    {
        // All begin before the first is awaited, so that their signatures are checked beside each other.
        var outcomes = await Task.WhenAll(records.Select(record => TakeAsync(from, record)));
        return [.. outcomes.Where(outcome => outcome.Accepted is not null).Select(outcome => outcome.Accepted!.Record)];
    }

    /// <summary>Verifies a record.</summary>
    /// <inheritdoc cref="TakeAllAsync"/>
    public async Task<IntakeOutcome> TakeAsync(MeshConnection from, ReadOnlyMemory<byte> bytes)
    {
        if (!SignedRecord.TryRead(bytes, out var record, out var malformed))
        {
            _realm.Violated(from.Peer.NodeId, malformed);
            return IntakeOutcome.Refused(malformed.Code, malformed.Detail);
        }

        if (record.Body.Realm != _realm.Realm)
        {
            return Refuse(from, IntakeOutcome.Refused(ErrorCode.RecordInvalid, "The record belongs to another realm."));
        }

        // The digest covers the signature too: a forged copy of a record that is known gets no credit from it.
        var digest = CertificateHash.Compute(bytes.Span);
        if (!_byDigest.TryGetValue(digest, out var verification))
        {
            // Fetched before anything is shared: one who delivers a record and keeps its certificate back spoils nobody else's delivery.
            ReadOnlyMemory<byte> certificate;
            try
            {
                certificate = await FindCertificateAsync(from, record.Body.Certificate);
            }
            catch (MaculaException exception)
            {
                return Refuse(from, IntakeOutcome.Refused(exception.Code, $"The publisher's certificate could not be had: {exception.Message}"));
            }

            if (!_byDigest.TryGetValue(digest, out verification))
            {
                verification = VerifyAsync(record, certificate);
                Remember(digest, verification);
            }
        }

        var outcome = await verification;
        if (outcome.Accepted is not { } accepted)
        {
            // What is not valid now, such as for a clock that is off, may be so later.
            _byDigest.Remove(digest);
            return Refuse(from, outcome);
        }

        // [REC-8]: validity and revocation hold at each use, whenever the signature was checked.
        if (_realm.Judge.Judge([outcome.Certificate], _realm.Scheduler.WallNow) is Verdict.Refused over)
        {
            return Refuse(from, IntakeOutcome.Refused(over.Code, over.Detail));
        }

        _certificates.Add(record.Body.Certificate, outcome.Certificate);
        var permission = accepted.Authorize(_realm.Authorizer);
        return permission.IsAllowed ? outcome : Refuse(from, IntakeOutcome.Refused(permission.Code, permission.Sentence));
    }

    private IntakeOutcome Refuse(MeshConnection from, IntakeOutcome outcome)
    {
        _realm.RefusedRecord(from.Peer.NodeId, outcome.Code, outcome.Detail);
        return outcome;
    }

    private void Remember(CertificateHash digest, Task<IntakeOutcome> verification)
    {
        _byDigest[digest] = verification;
        _oldest.Enqueue(digest);
        while (_oldest.Count > MaxRemembered)
        {
            _byDigest.Remove(_oldest.Dequeue());
        }
    }

    private async Task<IntakeOutcome> VerifyAsync(SignedRecord record, ReadOnlyMemory<byte> certificate)
    {
        var now = _realm.Scheduler.WallNow;
        return await _realm.Scheduler.OffloadAsync(() => _verifier.Verify(record, certificate, now)) switch
        {
            RecordVerdict.Accepted accepted => new IntakeOutcome(accepted, certificate, ErrorCode.NoError, ""),
            RecordVerdict.Refused refused => IntakeOutcome.Refused(refused.Code, refused.Detail),
            _ => throw new InvalidOperationException("A record is accepted or refused."),
        };
    }

    private async ValueTask<ReadOnlyMemory<byte>> FindCertificateAsync(MeshConnection from, CertificateHash hash)
    {
        if (_certificates.TryGet(hash, out var known))
        {
            return known;
        }

        // Many records of one publisher come in one page: its certificate is asked for once.
        if (!_fetches.TryGetValue((from.Peer.NodeId, hash), out var fetch))
        {
            fetch = FetchAsync(from, hash);
            _fetches.Add((from.Peer.NodeId, hash), fetch);
        }

        try
        {
            return await fetch;
        }
        finally
        {
            _fetches.Remove((from.Peer.NodeId, hash));
        }
    }

    private async Task<ReadOnlyMemory<byte>> FetchAsync(MeshConnection from, CertificateHash hash)
    {
        // Not at once, so that the table of fetches holds this one before it can end.
        await Task.Yield();
        return from.Peer.CertificateHash == hash ? from.PeerCertificate : await _client.GetCertificateAsync(from, hash);
    }
}
