using System.Buffers.Binary;
using System.Text;
using Macula.Identity.Certificates;
using Macula.Identity.Keys;
using Macula.Wire.Identifiers;

namespace Macula.Identity.Realm;

/// <summary>What a signed document is, so that one kind is never taken for another.</summary>
public enum DocumentKind
{
    /// <summary>Who may do what in the realm.</summary>
    Policy,

    /// <summary>Which certificates and keys no longer count.</summary>
    Revocations,
}

/// <summary>A numbered text of a realm's authority, with its signature: these very bytes travel and are stored.</summary>
/// <param name="Sequence">The number, from 1 to 2^53 - 1; a higher one replaces a lower one, never the other way round.</param>
/// <param name="Content">The signed text, JSON.</param>
/// <param name="Signature">64 bytes by one of the realm's authority keys.</param>
/// <remarks>docs/protocol/01-identity.md [ID-20].</remarks>
public sealed record SignedDocument(long Sequence, string Content, ReadOnlyMemory<byte> Signature)
{
    /// <summary>Highest sequence number: what every JSON reader holds exactly.</summary>
    public const long MaxSequence = (1L << 53) - 1;

    /// <summary>Longest text in bytes: a revocation list with the most lines it may have.</summary>
    public const int MaxContentBytes = 2 * 1024 * 1024;

    /// <summary>Signs a text.</summary>
    internal static SignedDocument Sign(DocumentKind kind, RealmId realm, long sequence, string content, SigningKey authorityKey) =>
        new(sequence, content, authorityKey.Sign(MessageOf(kind, realm, sequence, content)));

    /// <summary>Whether one of a realm's authorities signed this, as a document of this kind.</summary>
    internal bool IsSignedByAny(IReadOnlyList<AuthorityCertificate> authorities, DocumentKind kind, RealmId realm, SignatureScheme scheme)
    {
        if (Sequence is < 1 or > MaxSequence)
        {
            return false;
        }

        var message = MessageOf(kind, realm, Sequence, Content);
        return authorities.Any(authority => scheme.Verify(authority.SubjectPublicKeyInfo.Span, message, Signature.Span));
    }

    // context | u8 0 | realm id (16) | u64 sequence | content (UTF-8)
    // The context begins with a letter that no DER structure begins with, so that no certificate is ever a document.
    private static byte[] MessageOf(DocumentKind kind, RealmId realm, long sequence, string content)
    {
        var context = kind == DocumentKind.Policy ? "macula policy v1"u8 : "macula revocations v1"u8;
        var message = new byte[context.Length + 1 + RealmId.ByteCount + sizeof(long) + Encoding.UTF8.GetByteCount(content)];
        context.CopyTo(message);
        var rest = message.AsSpan(context.Length + 1);
        realm.CopyTo(rest);
        BinaryPrimitives.WriteInt64BigEndian(rest[RealmId.ByteCount..], sequence);
        Encoding.UTF8.GetBytes(content, rest[(RealmId.ByteCount + sizeof(long))..]);
        return message;
    }
}
