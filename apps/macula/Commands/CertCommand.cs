using System.CommandLine;
using System.Globalization;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;

namespace Macula.Cli.Commands;

/// <summary><c>macula cert …</c>: issuing and revoking node certificates.</summary>
internal static class CertCommand
{
    private static readonly AuthorityOptions Limits = new();

    public static Command Create() => new ProgramCommand("cert", "Issue and revoke certificates of nodes.") { CreateIssue(), CreateRevoke() };

    private static Option<string> Authority() =>
        new("--authority") { Description = "The authority's directory, as 'macula realm create' made it.", HelpName = "DIR", Required = true };

    private static ProgramCommand CreateIssue()
    {
        var name = new Argument<string>("name") { Description = "The node's name: lower-case letters, digits, '-', '_' and '.', at most 63." };
        var authority = Authority();
        var roles = new Option<string>("--roles")
        {
            Description = "What the node may be: peer, gateway, bootstrap, or several joined by commas.",
            HelpName = "ROLES",
            DefaultValueFactory = _ => "peer",
        };
        var days = new Option<int>("--days") { Description = $"Days until the certificate ends, 1 to {(int)Limits.AuthorityLifetime.TotalDays}.", HelpName = "N", DefaultValueFactory = _ => (int)Limits.NodeLifetime.TotalDays };
        var directory = new Option<string?>("--out") { Description = "Directory for the node's files. Default: one named after the node.", HelpName = "DIR" };
        var command = new ProgramCommand("issue", "Make a node: its key, certificate and directory.")
        {
            Details = """
                The directory gets node.key (mode 0600), node.crt and realm.json, which is all that a node needs: move it to the node's machine.
                Nothing is overwritten. A name belongs to one key until its certificate ends or is revoked.
                """,
            Examples = ["macula cert issue alice --authority tenant-a", "macula cert issue gw1 --authority tenant-a --roles gateway,bootstrap --days 365 --out nodes/gw1"],
        };
        command.Add(name);
        command.Add(authority);
        command.Add(roles);
        command.Add(days);
        command.Add(directory);
        command.SetAction(parse =>
        {
            var nodeName = Word.Read(parse.GetValue(name)!, NodeName.Parse);
            var node = new NodeDirectory(parse.GetValue(directory) ?? nodeName.Value);
            var nodeRoles = ParseRoles(parse.GetValue(roles)!);
            var lifetime = ParseDays(parse.GetValue(days));
            using var store = AuthorityStore.Open(parse.GetValue(authority)!, EcdsaP256Scheme.Instance);
            using var credentials = NodeIssuance.Run(store, nodeName, nodeRoles, lifetime, node);
            var identity = credentials.Identity;
            var end = identity.NotAfter.ToDateTimeOffset();
            if (CommonOptions.FormOf(parse) == OutputForm.Json)
            {
                JsonLine.Write(
                    ("node", identity.Name), ("id", identity.NodeId), ("roles", NamesOf(identity.Roles)), ("serial", identity.Serial),
                    ("notAfter", end.ToString("O", null)), ("directory", node.Path));
            }
            else
            {
                Terminal.WriteFields(
                    ("node", identity.Name.Value), ("id", identity.NodeId.ToString()), ("roles", string.Join(", ", NamesOf(identity.Roles))), ("serial", identity.Serial.ToString()),
                    ("until", end.ToString("yyyy-MM-dd HH:mm 'UTC'", null)), ("files", $"{node.KeyPath}, {node.CertificatePath}, {node.RealmFilePath}"));
            }
        });
        return command;
    }

    private static ProgramCommand CreateRevoke()
    {
        var name = new Argument<string>("name") { Description = "The node's name." };
        var authority = Authority();
        var reasons = string.Join(", ", Enum.GetValues<RevocationReason>().Select(Word.NameOf));
        var reason = new Option<string>("--reason")
        {
            Description = $"Why, as every member may read it: {reasons}.",
            HelpName = "REASON",
            DefaultValueFactory = _ => Word.NameOf(RevocationReason.Unspecified),
        };
        var command = new ProgramCommand("revoke", "Revoke a node's key, and all its certificates with it.")
        {
            Details = "The realm file gets a new, numbered revocation list. Give it to the members; they read it when they start. The name is free for another key at once.",
            Examples = ["macula cert revoke bob --authority tenant-a --reason key-compromise", "cp tenant-a/realm.json alice/realm.json"],
        };
        command.Add(name);
        command.Add(authority);
        command.Add(reason);
        command.SetAction(parse =>
        {
            var nodeName = Word.Read(parse.GetValue(name)!, NodeName.Parse);
            var why = Word.ReadEnum<RevocationReason>(parse.GetValue(reason)!, reason.Name);
            using var store = AuthorityStore.Open(parse.GetValue(authority)!, EcdsaP256Scheme.Instance);
            var list = store.Authority.Revoke(nodeName, SystemTime.Now, why);
            store.Save();
            if (CommonOptions.FormOf(parse) == OutputForm.Json)
            {
                JsonLine.Write(("revoked", nodeName), ("revocationList", list.Sequence), ("entries", list.Entries.Count), ("file", store.RealmFilePath));
            }
            else
            {
                Terminal.WriteFields(
                    ("revoked", nodeName.Value), ("list", $"number {list.Sequence}, {list.Entries.Count} entries"), ("realm file", $"{store.RealmFilePath} (give it to the members)"));
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
                _ => throw new CommandFailure(ExitCode.Usage, $"{Word.Quote(word)} is no role; the roles are peer, gateway and bootstrap."),
            };
        }

        return roles;
    }

    private static IEnumerable<string> NamesOf(NodeRoles roles) =>
        Enum.GetValues<NodeRoles>().Where(role => role != NodeRoles.None && roles.HasFlag(role)).Select(Word.NameOf);

    private static TimeSpan ParseDays(int days) =>
        days >= 1 && days <= Limits.AuthorityLifetime.TotalDays
            ? TimeSpan.FromDays(days)
            : throw new CommandFailure(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--days takes 1 to {(int)Limits.AuthorityLifetime.TotalDays}."));
}
