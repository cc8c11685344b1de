using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Macula.Identity.Certificates;
using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Trust;
using Macula.Wire.Errors;
using Macula.Wire.Time;

namespace Macula.Identity.Credentials;

/// <summary>What a node shows and proves in TLS: its certificate of one realm, with the private key.</summary>
public sealed class NodeCredentials : IDisposable
{
    // A certificate of the largest size in PEM takes 5.6 KB; a private key of P-256 takes 241 bytes.
    private const int MaxFileBytes = 16 * 1024;

    private const string CertificateLabel = "CERTIFICATE";

    /// <summary>Joins a certificate with its private key.</summary>
    /// <param name="certificate">What the node shows.</param>
    /// <param name="key">The private key; these credentials own it from now on.</param>
    /// <exception cref="ArgumentException">The key is not the one that the certificate certifies.</exception>
    public NodeCredentials(NodeCertificate certificate, SigningKey key)
    {
        if (!Belongs(certificate, key))
        {
            throw new ArgumentException("The key is not the one that the certificate certifies.", nameof(key));
        }

        Certificate = certificate;
        Key = key;
    }

    /// <summary>The node's certificate.</summary>
    public NodeCertificate Certificate { get; }

    /// <summary>Who the node is.</summary>
    public NodeIdentity Identity => Certificate.Identity;

    /// <summary>The node's private key, disposed with the credentials.</summary>
    public SigningKey Key { get; }

    /// <summary>Loads credentials from two files and checks all that other nodes will check. Makes nothing in place of what is missing.</summary>
    /// <param name="certificatePath">The certificate, PEM or DER.</param>
    /// <param name="keyPath">The private key, PKCS#8 in PEM, open to its owner alone.</param>
    /// <param name="trust">The realm that the node is to be a member of.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="IdentityFileException">
    /// A file is missing, unreadable or damaged; the key is open to others or does not belong to the certificate; the certificate is of another
    /// realm, expired, not valid yet or revoked. The message names the file and says what to do.
    /// </exception>
    public static NodeCredentials Load(string certificatePath, string keyPath, RealmTrust trust, WallTime now)
    {
        var certificate = LoadCertificate(certificatePath, trust, now);
        var key = PrivateKeyFile.Load(keyPath, trust.Scheme, "Restore it from a backup, or have a certificate issued for a new key.");
        if (Belongs(certificate, key))
        {
            return new NodeCredentials(certificate, key);
        }

        key.Dispose();
        throw new IdentityFileException(
            FileFault.KeyMismatch, keyPath, $"is not the private key of the certificate in {certificatePath}.", "Name the two files that were issued together.");
    }

    /// <summary>Writes both files: the certificate as PEM, the key as PKCS#8 PEM under mode 0600. Nothing is overwritten.</summary>
    /// <param name="certificatePath">Where the certificate goes.</param>
    /// <param name="keyPath">Where the private key goes.</param>
    /// <exception cref="IdentityFileException">A file exists already, or cannot be written.</exception>
    /// <remarks>The key is written first: a certificate without its key is of no use, and a key without certificate can be certified again.</remarks>
    public void Save(string certificatePath, string keyPath)
    {
        if (File.Exists(certificatePath))
        {
            throw new IdentityFileException(FileFault.AlreadyExists, certificatePath, "exists already and is not overwritten.", "Move it away, or choose another name.");
        }

        PrivateKeyFile.SaveNew(keyPath, Key);
        IdentityFile.WriteNew(certificatePath, ToPem(Certificate), FileSecrecy.Shared);
    }

    /// <summary>Writes the certificate alone in place of the one that may be there, as after a renewal for the same key.</summary>
    /// <exception cref="IdentityFileException">It cannot be written.</exception>
    public void SaveCertificate(string certificatePath) => IdentityFile.Replace(certificatePath, ToPem(Certificate), FileSecrecy.Shared);

    /// <inheritdoc/>
    public void Dispose() => Key.Dispose();

    private static byte[] ToPem(NodeCertificate certificate) =>
        Encoding.ASCII.GetBytes(PemEncoding.WriteString(CertificateLabel, certificate.Der.Span) + "\n");

    private static bool Belongs(NodeCertificate certificate, SigningKey key) =>
        certificate.Identity.SubjectPublicKeyInfo.Span.SequenceEqual(key.SubjectPublicKeyInfo.Span);

    private static NodeCertificate LoadCertificate(string path, RealmTrust trust, WallTime now)
    {
        var der = ReadDer(path, IdentityFile.Read(path, MaxFileBytes, FileSecrecy.Shared, "Have a certificate issued (macula cert issue)."));
        var verdict = new CertificateJudge(trust, capacity: 1).Judge([der], now);
        if (verdict is Verdict.Refused refused)
        {
            throw Explain(path, refused, trust);
        }

        var isRead = NodeCertificate.TryRead(der, trust.Scheme, out var certificate, out _);
        Wire.Invariant.Hold(isRead && certificate is not null, "A certificate that was accepted can be read.");
        return certificate;
    }

    // DER begins with the tag of a SEQUENCE, which begins no PEM.
    private static ReadOnlyMemory<byte> ReadDer(string path, byte[] content)
    {
        const byte SequenceTag = 0x30;
        if (content is [SequenceTag, ..])
        {
            return content;
        }

        var text = Encoding.UTF8.GetString(content);
        return PemEncoding.TryFind(text, out var fields) && text[fields.Label] == CertificateLabel
            ? Convert.FromBase64String(text[fields.Base64Data])
            : throw new IdentityFileException(FileFault.Malformed, path, "holds no certificate.", "Name the file that holds the node's certificate.");
    }

    private static IdentityFileException Explain(string path, Verdict.Refused refused, RealmTrust trust)
    {
        var (fault, cure) = refused.Code switch
        {
            ErrorCode.CertificateWrongRealm => (FileFault.WrongRealm, "Name the realm file and the certificate of the same realm."),
            ErrorCode.CertificateUntrusted or ErrorCode.CertificateWrongUsage =>
                (FileFault.Untrusted, $"Have a node certificate issued by the authority of realm {trust.RealmId}, or get its newest realm file."),
            ErrorCode.CertificateExpired => (FileFault.Expired, "Have it renewed (macula cert issue) for the same key; look also at this machine's clock."),
            ErrorCode.CertificateNotYetValid => (FileFault.NotYetValid, "Set this machine's clock."),
            ErrorCode.CertificateRevoked => (FileFault.Revoked, "Ask whoever runs the realm why; a new certificate needs a new key."),
            _ => (FileFault.Malformed, "Name the file that holds the node's certificate, or have it issued again."),
        };
        return new IdentityFileException(fault, path, string.Create(CultureInfo.InvariantCulture, $"cannot be used: {refused.Detail}"), cure);
    }
}
