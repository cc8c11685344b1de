using Macula.Identity.Credentials;
using Macula.Identity.Files;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Transport.Execution;

namespace Macula.Cli.Nodes;

/// <summary>Makes a new node: a key, its certificate, and the directory from which it can be started.</summary>
/// <remarks>
/// What can fail comes before the authority remembers the node, so that a mistake costs no name; what fails after that says how to get out of it.
/// Nothing that exists is written over.
/// </remarks>
internal static class NodeIssuance
{
    /// <summary>Makes the node.</summary>
    /// <param name="store">The authority, which remembers the certificate.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="roles">What it may be.</param>
    /// <param name="lifetime">How long the certificate lasts; null takes the authority's default.</param>
    /// <param name="node">Where its files go.</param>
    /// <exception cref="AuthorityException">The authority refuses.</exception>
    /// <exception cref="IdentityFileException">A file is in the way, or the directory cannot be written; nothing was changed.</exception>
    /// <exception cref="CommandFailure">The authority remembers the certificate, but the node's files are not complete; the message says what to do.</exception>
    public static NodeCredentials Run(AuthorityStore store, NodeName name, NodeRoles roles, TimeSpan? lifetime, NodeDirectory node)
    {
        RefuseUnlessFree(node);
        var key = EcdsaP256Scheme.Instance.CreateKey(new SystemRandomSource());
        var request = new NodeCertificateRequest(name, roles, key.SubjectPublicKeyInfo) { Lifetime = lifetime };
        var credentials = new NodeCredentials(store.Authority.Issue(request, new SystemRandomSource(), SystemTime.Now), key);

        // The realm file is no secret and the first to be written: it shows whether the directory takes files.
        Prepare(node);
        store.Authority.Realm.Save(node.RealmFilePath);
        try
        {
            // The ledger before the certificate: one that the authority does not remember could not be revoked by name.
            store.Save();
        }
        catch (IdentityFileException)
        {
            File.Delete(node.RealmFilePath);
            throw;
        }

        try
        {
            credentials.Save(node.CertificatePath, node.KeyPath);
        }
        catch (IdentityFileException exception)
        {
            throw new CommandFailure(
                ExitCode.IdentityFile,
                $"{exception.Message} The authority has taken down the certificate all the same: then remove what there is of node.key, node.crt and realm.json in {node.Path}, "
                + $"run 'macula cert revoke {name} --authority {Path.GetDirectoryName(store.RealmFilePath)} --reason superseded', and issue again.");
        }

        return credentials;
    }

    private static void RefuseUnlessFree(NodeDirectory node)
    {
        foreach (var path in new[] { node.KeyPath, node.CertificatePath, node.RealmFilePath })
        {
            if (Path.Exists(path))
            {
                throw new IdentityFileException(FileFault.AlreadyExists, path, "exists already and is not overwritten.", "Choose another directory with --out, or move it away.");
            }
        }
    }

    private static void Prepare(NodeDirectory node)
    {
        try
        {
            Directory.CreateDirectory(node.Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IdentityFileException(
                FileFault.Unwritable, node.Path, "cannot be made.", $"Choose a directory that this account may write to ({exception.Message}).", exception);
        }
    }
}
