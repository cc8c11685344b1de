using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Macula.Identity.Certificates;
using Macula.Identity.Keys;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Realm;

/// <summary>One line of a revocation list: a key, by its node id, with every certificate it has, or one certificate, by its serial number.</summary>
/// <param name="Node">The node whose key no longer counts; null when <paramref name="Serial"/> says what was revoked.</param>
/// <param name="Serial">The certificate that no longer counts; null when <paramref name="Node"/> says what was revoked.</param>
/// <param name="RevokedAt">When the authority revoked it. It counts from the moment at which a list is read, whatever this says.</param>
/// <param name="Until">When the last certificate concerned has expired, clock skew included: the line may go then.</param>
/// <param name="Reason">Why.</param>
public sealed record Revocation(NodeId? Node, SerialNumber? Serial, WallTime RevokedAt, WallTime Until, RevocationReason Reason);

/// <summary>The certificates and keys of a realm that no longer count, numbered and signed by its authority.</summary>
/// <remarks>docs/protocol/01-identity.md §6.</remarks>
public sealed class RevocationList
{
    /// <summary>Most lines in a list: as many nodes as a realm's authority certifies by default.</summary>
    public const int MaxEntries = 10_000;

    private readonly FrozenSet<NodeId> _nodes;
    private readonly FrozenSet<SerialNumber> _serials;

    private RevocationList(SignedDocument document, IReadOnlyList<Revocation> entries)
    {
        Document = document;
        Entries = entries;
        _nodes = entries.Where(entry => entry.Node is not null).Select(entry => entry.Node!.Value).ToFrozenSet();
        _serials = entries.Where(entry => entry.Serial is not null).Select(entry => entry.Serial!.Value).ToFrozenSet();
    }

    /// <summary>The number of the list; a higher one replaces a lower one.</summary>
    public long Sequence => Document.Sequence;

    /// <summary>The bytes that were signed, and the signature.</summary>
    public SignedDocument Document { get; }

    /// <summary>The lines, in the order in which they were added.</summary>
    public IReadOnlyList<Revocation> Entries { get; }

    /// <summary>Whether a node's certificate no longer counts. Costs two lookups.</summary>
    public bool Covers(NodeIdentity identity) => Covers(identity.NodeId, identity.Serial);

    /// <summary>Whether the certificate with this number, or every certificate of this node, no longer counts.</summary>
    internal bool Covers(NodeId node, SerialNumber serial) => _nodes.Contains(node) || _serials.Contains(serial);

    /// <summary>Reads a list whose signature has been checked.</summary>
    /// <param name="document">The signed text.</param>
    /// <param name="list">What it revokes; null when the answer is false.</param>
    /// <param name="fault">What is wrong, when the answer is false.</param>
    internal static bool TryRead(SignedDocument document, [NotNullWhen(true)] out RevocationList? list, [NotNullWhen(false)] out string? fault)
    {
        list = null;
        var entries = new List<Revocation>();
        try
        {
            var content = JsonSerializer.Deserialize(document.Content, SignedJson.Default.RevocationContent);
            fault = content switch
            {
                null => "it is null",
                { Version: not RevocationContent.CurrentVersion } => $"version {content.Version} is not known here",
                { Revoked.Count: > MaxEntries } => $"it has more than {MaxEntries} lines",
                _ => null,
            };
            foreach (var line in fault is null ? content!.Revoked : [])
            {
                if (!TryRead(line, out var entry))
                {
                    fault = "a line does not name one node id or one serial number, with a reason";
                    break;
                }

                entries.Add(entry);
            }
        }
        catch (JsonException exception)
        {
            fault = exception.Message;
        }

        if (fault is null)
        {
            list = new RevocationList(document, entries);
        }

        return fault is null;
    }

    /// <summary>Writes and signs a list.</summary>
    internal static RevocationList Create(RealmId realm, long sequence, IReadOnlyList<Revocation> entries, SigningKey authorityKey)
    {
        var content = new RevocationContent(
            RevocationContent.CurrentVersion,
            [.. entries.Select(entry => new RevocationLine(
                entry.RevokedAt.UnixMilliseconds, entry.Until.UnixMilliseconds, EnumWords<RevocationReason>.WordOf(entry.Reason))
            {
                Node = entry.Node?.ToString(), Serial = entry.Serial?.ToString(),
            })]);
        var text = JsonSerializer.Serialize(content, SignedJson.Default.RevocationContent);
        return new RevocationList(SignedDocument.Sign(DocumentKind.Revocations, realm, sequence, text, authorityKey), entries);
    }

    private static bool TryRead(RevocationLine? line, [NotNullWhen(true)] out Revocation? entry)
    {
        entry = null;
        if (line is null)
        {
            return false;
        }

        var nodeIsRead = NodeId.TryParse(line.Node, out var node);
        var serialIsRead = SerialNumber.TryParse(line.Serial, out var serial);
        // [ID-23] Exactly one of the two is there, and it is readable.
        entry = (line.Node is null) != (line.Serial is null) && (nodeIsRead || serialIsRead)
                && EnumWords<RevocationReason>.TryParse(line.Reason, out var reason)
            ? new Revocation(
                nodeIsRead ? node : null, serialIsRead ? serial : null, new WallTime(line.RevokedAt), new WallTime(line.Until), reason)
            : null;
        return entry is not null;
    }
}
