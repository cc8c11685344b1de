using System.Security.Cryptography;
using System.Text;
using Macula.Identity.Certificates;
using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Wire.Identifiers;
using Macula.Wire.Time;

namespace Macula.Identity.Realm;

/// <summary>A realm's authority in a directory: its key and salt secret (open to their owner alone), its ledger, and the realm file to give to members.</summary>
/// <remarks>
/// While the store is open no other process can open it, so two of them cannot give one name to two keys. Every file appears whole or not at
/// all; nothing that is missing or damaged is ever made anew. A power cut may undo the last <see cref="Save"/>, and nothing else.
/// </remarks>
public sealed class AuthorityStore : IDisposable
{
    private const int LedgerFormat = 1;

    // 10,000 nodes with a few renewals each, some 200 bytes a line.
    private const int MaxLedgerBytes = 32 * 1024 * 1024;

    private const int MaxSecretBytes = 1024;

    private const string RealmFileName = "realm.json";
    private const string LedgerFileName = "ledger.json";
    private const string SaltFileName = "salt.secret";
    private const string LockFileName = "lock";

    private const string Cure = "Name the directory that 'macula realm create' wrote, or restore it from a backup.";

    private readonly string _directory;
    private readonly FileStream _lock;

    private AuthorityStore(string directory, FileStream lockFile, RealmAuthority authority)
    {
        _directory = directory;
        _lock = lockFile;
        Authority = authority;
    }

    /// <summary>The authority; <see cref="Save"/> after every change, before what it issued leaves the process.</summary>
    public RealmAuthority Authority { get; }

    /// <summary>Where the realm file stands that members are given.</summary>
    public string RealmFilePath => Path.Combine(_directory, RealmFileName);

    /// <summary>Writes a new authority into a directory, which is made if it does not exist, with mode 0700.</summary>
    /// <param name="directory">Where the files go; it may exist, but hold no authority.</param>
    /// <param name="authority">The authority, which belongs to the store from now on.</param>
    /// <exception cref="IdentityFileException">There is an authority already, or the directory cannot be written.</exception>
    public static AuthorityStore Create(string directory, RealmAuthority authority)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(directory);
            }
            else
            {
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IdentityFileException(
                FileFault.Unwritable, directory, "cannot be made.", $"Choose a directory that this account may write to ({exception.Message}).", exception);
        }

        var lockFile = Lock(directory);
        try
        {
            foreach (var name in new[] { RealmFileName, SaltFileName, LedgerFileName })
            {
                var path = Path.Combine(directory, name);
                if (File.Exists(path))
                {
                    throw new IdentityFileException(
                        FileFault.AlreadyExists, path, "exists already: the directory holds an authority.", "Choose another directory; an authority is never overwritten.");
                }
            }

            var salt = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(authority.SaltSecret) + "\n");
            IdentityFile.WriteNew(Path.Combine(directory, SaltFileName), salt, FileSecrecy.Secret);
            var store = new AuthorityStore(directory, lockFile, authority);
            store.Save();
            return store;
        }
        catch (IdentityFileException)
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>Opens the authority in a directory.</summary>
    /// <param name="directory">Where <see cref="Create"/> put the files.</param>
    /// <param name="scheme">The scheme of the realm's signatures.</param>
    /// <param name="options">Lifetimes and limits; null takes the defaults.</param>
    /// <exception cref="IdentityFileException">A file is missing, damaged or open to others, the files do not belong together, or another process has the store open.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static AuthorityStore Open(string directory, SignatureScheme scheme, AuthorityOptions? options = null)
    {
        options ??= new AuthorityOptions();
        options.Validate();
        var realmPath = Path.Combine(directory, RealmFileName);

        // Before the lock, which is a file as well: one that is not there is told from one that this account may not see.
        IdentityFile.Read(realmPath, RealmFile.MaxBytes, FileSecrecy.Shared, "Name the directory that 'macula realm create' wrote, or run that first.");
        var lockFile = Lock(directory);
        try
        {
            var realm = RealmFile.Load(realmPath, scheme);
            return new AuthorityStore(directory, lockFile, ReadAuthority(directory, realm, scheme, options));
        }
        catch (IdentityFileException)
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>Writes what has changed. Key and ledger come before the realm file, so that a cut between them leaves a working authority.</summary>
    /// <exception cref="IdentityFileException">A file cannot be written; what was issued since the last save must not be used.</exception>
    public void Save()
    {
        var keyPath = KeyPath(_directory, Authority.Realm);
        if (!File.Exists(keyPath))
        {
            PrivateKeyFile.SaveNew(keyPath, Authority.Key);
        }

        var ledger = new LedgerText(
            LedgerFormat,
            [.. Authority.Issued.Select(entry => new LedgerLine(entry.Name.Value, entry.Node.ToString(), entry.Serial.ToString(), entry.NotAfter.UnixMilliseconds))]);
        IdentityFile.Replace(Path.Combine(_directory, LedgerFileName), FileText.Write(ledger), FileSecrecy.Secret);
        Authority.Realm.Save(RealmFilePath);
    }

    /// <summary>Lets go of the keys and lets other processes in. Saves nothing.</summary>
    public void Dispose()
    {
        Authority.Dispose();
        _lock.Dispose();
    }

    private static RealmAuthority ReadAuthority(string directory, RealmFile realm, SignatureScheme scheme, AuthorityOptions options)
    {
        var salt = ReadSalt(Path.Combine(directory, SaltFileName));
        var ledger = ReadLedger(Path.Combine(directory, LedgerFileName));
        var keyPath = KeyPath(directory, realm);
        var key = PrivateKeyFile.Load(keyPath, scheme, Cure);
        if (KeyIdentifier.Derive(key.SubjectPublicKeyInfo.Span) == realm.Authorities[^1].KeyId)
        {
            return new RealmAuthority(realm, key, salt, ledger, options);
        }

        key.Dispose();
        throw new IdentityFileException(FileFault.KeyMismatch, keyPath, "is not the key of the realm's newest authority certificate.", Cure);
    }

    private static byte[] ReadSalt(string path)
    {
        var content = IdentityFile.Read(path, MaxSecretBytes, FileSecrecy.Secret, Cure);
        var salt = new byte[NodeSalt.SecretBytes];
        var isRead = Convert.FromHexString(Encoding.Latin1.GetString(content).AsSpan().Trim(), salt, out var consumed, out var written);
        CryptographicOperations.ZeroMemory(content);
        // With another secret every renewal would give its node another id.
        return isRead == System.Buffers.OperationStatus.Done && written == salt.Length && consumed == 2 * written
            ? salt
            : throw new IdentityFileException(FileFault.Malformed, path, "does not hold the salt secret (64 hexadecimal digits).", Cure);
    }

    private static IssuanceLedger ReadLedger(string path)
    {
        var text = FileText.ReadLedger(IdentityFile.Read(path, MaxLedgerBytes, FileSecrecy.Secret, Cure), path, Cure);
        if (text.Format != LedgerFormat)
        {
            throw new IdentityFileException(FileFault.Malformed, path, $"is a ledger of format {text.Format}.", "Use the version of Macula that wrote it.");
        }

        var entries = new List<IssuedCertificate>();
        foreach (var line in text.Issued)
        {
            entries.Add(
                line is not null && NodeName.TryParse(line.Name, out var name) && NodeId.TryParse(line.Node, out var node) && SerialNumber.TryParse(line.Serial, out var serial)
                    ? new IssuedCertificate(name, node, serial, new WallTime(line.NotAfter))
                    : throw new IdentityFileException(FileFault.Malformed, path, "holds a line that is no issued certificate.", Cure));
        }

        return new IssuanceLedger(entries);
    }

    // The key's identifier is in the file's name, so that a new key never takes the place of an old one.
    private static string KeyPath(string directory, RealmFile realm) => Path.Combine(directory, $"authority-{realm.Authorities[^1].KeyId.ToString()[..16]}.key");

    private static FileStream Lock(string directory)
    {
        var path = Path.Combine(directory, LockFileName);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new IdentityFileException(FileFault.InUse, path, "is held by another process that works with this authority.", "Try again when it has ended.", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IdentityFileException(
                FileFault.Unwritable, path, "cannot be written.", $"Run this under the account that owns the authority ({exception.Message}).", exception);
        }
    }
}
