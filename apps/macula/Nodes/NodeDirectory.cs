using Macula.Identity.Credentials;
using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Realm;
using Macula.Identity.Trust;

namespace Macula.Cli.Nodes;

/// <summary>The directory of a node: certificate, key and realm file under fixed names.</summary>
internal sealed record NodeDirectory(string Path)
{
    /// <summary>Where the node's certificate is, as PEM.</summary>
    public string CertificatePath => System.IO.Path.Combine(Path, "node.crt");

    /// <summary>The private key.</summary>
    public string KeyPath => System.IO.Path.Combine(Path, "node.key");

    /// <summary>Where its copy of what every member has is.</summary>
    public string RealmFilePath => System.IO.Path.Combine(Path, RealmFileName);

    /// <summary>Reads the node's files, or another realm file than the one here.</summary>
    /// <param name="realmFile">Another realm file; null takes the one here.</param>
    /// <param name="check">Skipped: the certificate is checked by the realm file here alone, and may be none of the other one's realm.</param>
    /// <exception cref="IdentityFileException">A file cannot be used; the message says which, and what to do.</exception>
    public (RealmFile Realm, NodeCredentials Credentials) Load(string? realmFile = null, OwnCertificateCheck check = OwnCertificateCheck.Required)
    {
        if (!Directory.Exists(Path))
        {
            var found = File.Exists(Path) ? "is no directory" : "does not exist";
            throw new IdentityFileException(FileFault.Missing, Path, $"{found}.", "Name the directory of a node, as 'macula cert issue' makes it.");
        }

        var realm = RealmFile.Load(realmFile is null ? RealmFilePath : RealmFileAt(realmFile), EcdsaP256Scheme.Instance);
        var issuing = check == OwnCertificateCheck.Required ? realm : RealmFile.Load(RealmFilePath, EcdsaP256Scheme.Instance);
        return (realm, NodeCredentials.Load(CertificatePath, KeyPath, new RealmTrust(issuing), SystemTime.Now));
    }

    private static string RealmFileName => "realm.json";

    /// <summary>The realm file that a path names: itself, or the one in the directory that it is.</summary>
    public static string RealmFileAt(string path) => Directory.Exists(path) ? System.IO.Path.Combine(path, RealmFileName) : path;
}
