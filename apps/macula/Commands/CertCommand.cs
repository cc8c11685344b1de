using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Identity.Credentials;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Transport.Execution;

namespace Macula.Cli.Commands;

/// <summary><c>macula cert …</c>: issuing and revoking node certificates.</summary>
internal static class CertCommand
{
    public static Command Create() => new("cert", "Issue and revoke certificates of nodes.") { CreateIssue(), CreateRevoke() };

    private static Option<string> Authority() =>
        new("--authority") { Description = "The authority's directory, as 'macula realm create' made it.", HelpName = "DIR", Required = true };

    private static Command CreateIssue()
    {
        var name = new Argument<string>("name") { Description = "The node's name: lower-case letters, digits, '-', '_', '.', at most 63." };
        var authority = Authority();
        var roles = new Option<string>("--roles")
        {
            Description = "What the node may be: peer, gateway, bootstrap, or several joined by commas.",
            HelpName = "ROLES",
            DefaultValueFactory = _ => "peer",
        };
        var days = new Option<int?>("--days") { Description = "Days until the certificate ends. Default: 90.", HelpName = "N" };
        var directory = new Option<string?>("--out") { Description = "Directory for the node's files. Default: one named after the node.", HelpName = "DIR" };
        var command = new Command(
            "issue", "Make a key and certificate for a node, and put them with the realm file into a directory that the node can be started from.")
        {
            name, authority, roles, days, directory,
        };
        command.SetAction(parse =>
        {
            var nodeName = NodeName.Parse(parse.GetValue(name)!);
            var node = new NodeDirectory(parse.GetValue(directory) ?? nodeName.Value);
            using var store = AuthorityStore.Open(parse.GetValue(authority)!, EcdsaP256Scheme.Instance);
            using var credentials = Issue(store, nodeName, ParseRoles(parse.GetValue(roles)!), parse.GetValue(days), node);
            var identity = credentials.Identity;
            if (CommonOptions.FormOf(parse) == OutputForm.Json)
            {
                JsonLine.Write(
                    ("node", identity.Name), ("id", identity.NodeId), ("roles", identity.Roles), ("serial", identity.Serial),
                    ("notAfter", identity.NotAfter.ToDateTimeOffset().ToString("O", null)), ("directory", node.Path));
            }
            else
            {
                Terminal.WriteFields(
                    ("node", identity.Name.Value), ("id", identity.NodeId.ToString()), ("roles", identity.Roles.ToString()), ("serial", identity.Serial.ToString()),
                    ("until", identity.NotAfter.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm 'UTC'", null)), ("files", $"{node.Path}/ (node.crt, node.key, realm.json)"));
            }
        });
        return command;
    }

    private static NodeCredentials Issue(AuthorityStore store, NodeName name, NodeRoles roles, int? days, NodeDirectory node)
    {
        Directory.CreateDirectory(node.Path);
        var key = EcdsaP256Scheme.Instance.CreateKey(new SystemRandomSource());
        var request = new NodeCertificateRequest(name, roles, key.SubjectPublicKeyInfo) { Lifetime = days is { } count ? TimeSpan.FromDays(count) : null };
        var credentials = new NodeCredentials(store.Authority.Issue(request, new SystemRandomSource(), SystemTime.Now), key);

        // The ledger first: a certificate that the authority does not remember could not be revoked by name.
        store.Save();
        credentials.Save(node.CertificatePath, node.KeyPath);
        store.Authority.Realm.Save(node.RealmFilePath);
        return credentials;
    }

    private static Command CreateRevoke()
    {
        var name = new Argument<string>("name") { Description = "The node's name." };
        var authority = Authority();
        var reason = new Option<RevocationReason>("--reason") { Description = "Why, as every member may read it.", DefaultValueFactory = _ => RevocationReason.Unspecified };
        var command = new Command(
            "revoke",
            "Revoke a node's certificate: the realm file gets a new, numbered revocation list.\n\nGive the new realm file to the members; they read it when they start.")
        {
            name, authority, reason,
        };
        command.SetAction(parse =>
        {
            using var store = AuthorityStore.Open(parse.GetValue(authority)!, EcdsaP256Scheme.Instance);
            var list = store.Authority.Revoke(NodeName.Parse(parse.GetValue(name)!), SystemTime.Now, parse.GetValue(reason));
            store.Save();
            if (CommonOptions.FormOf(parse) == OutputForm.Json)
            {
                JsonLine.Write(("revoked", parse.GetValue(name)), ("revocationList", list.Sequence), ("entries", list.Entries.Count), ("file", store.RealmFilePath));
            }
            else
            {
                Terminal.WriteFields(
                    ("revoked", parse.GetValue(name)!), ("list", $"number {list.Sequence}, {list.Entries.Count} entries"), ("realm file", store.RealmFilePath));
            }
        });
        return command;
    }

    private static NodeRoles ParseRoles(string text)
    {
        var roles = NodeRoles.None;
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            roles |= word switch
            {
                "peer" => NodeRoles.Peer,
                "gateway" => NodeRoles.Gateway,
                "bootstrap" => NodeRoles.Bootstrap,
                _ => throw new CommandFailure(ExitCode.Usage, $"'{word}' is no role; the roles are peer, gateway and bootstrap."),
            };
        }

        return roles;
    }
}
