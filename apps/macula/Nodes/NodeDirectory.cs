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

    private static string RealmFileName => "realm.json";

    /// <summary>The realm file that a path names: itself, or the one in the directory that it is.</summary>
    public static string RealmFileAt(string path) => Directory.Exists(path) ? System.IO.Path.Combine(path, RealmFileName) : path;
}
