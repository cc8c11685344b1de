using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Identity.Keys;
using Macula.Identity.Names;
using Macula.Identity.Realm;
using Macula.Transport.Execution;

namespace Macula.Cli.Commands;

/// <summary><c>macula realm …</c>: founding a realm and looking at it.</summary>
internal static class RealmCommand
{
    public static Command Create() => new("realm", "Found a realm, or look at one.") { CreateCreate(), CreateShow() };

    private static Command CreateCreate()
    {
        var name = new Argument<string>("name") { Description = "The realm's name, for people: a lower-case DNS name such as tenant-a or plant7.example." };
        var directory = new Option<string?>("--out") { Description = "Directory for the authority's files. Default: one named after the realm.", HelpName = "DIR" };
        var bootstrap = new Option<string[]>("--bootstrap")
        {
            Description = "Address that new nodes of the realm are given, host:port. May be repeated.",
            HelpName = "HOST:PORT",
            DefaultValueFactory = _ => [],
        };
        var command = new Command(
            "create",
            "Found a realm: make its certificate authority, first policy and realm file.\n\n"
            + "The directory then holds the realm's most precious secret, its authority's key. Keep it off machines that run nodes, and back it up.\n"
            + "The first policy lets peers publish, subscribe, call and advertise every name and store records; gateways and bootstraps relay and store.")
        {
            name, directory, bootstrap,
        };
        command.SetAction(parse =>
        {
            var realmName = RealmName.Parse(parse.GetValue(name)!);
            var path = parse.GetValue(directory) ?? realmName.Value;
            var authority = RealmAuthority.Create(realmName, EcdsaP256Scheme.Instance, new SystemRandomSource(), SystemTime.Now);
            authority.SetBootstraps([.. parse.GetValue(bootstrap)!.Select(BootstrapAddress.Parse)]);
            using var store = AuthorityStore.Create(path, authority);
            Show(authority.Realm, store.RealmFilePath, CommonOptions.FormOf(parse));
        });
        return command;
    }

    private static Command CreateShow()
    {
        var file = new Argument<string>("file") { Description = "A realm file, or a directory that holds realm.json." };
        var command = new Command("show", "Show what a realm file says, signatures checked.") { file };
        command.SetAction(parse =>
        {
            var path = NodeDirectory.RealmFileAt(parse.GetValue(file)!);
            Show(RealmFile.Load(path, EcdsaP256Scheme.Instance), path, CommonOptions.FormOf(parse));
        });
        return command;
    }

    private static void Show(RealmFile realm, string path, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("realm", realm.Name), ("id", realm.Id), ("file", path), ("policy", realm.Policy?.Sequence ?? 0),
                ("revocationList", realm.Revocations?.Sequence ?? 0), ("revoked", realm.Revocations?.Entries.Count ?? 0));
            return;
        }

        Terminal.WriteFields(
            ("realm", realm.Name.Value),
            ("id", realm.Id.ToString()),
            ("authority until", realm.Authorities[^1].NotAfter.ToDateTimeOffset().ToString("yyyy-MM-dd", null)),
            ("bootstraps", realm.Bootstraps.Count == 0 ? "none" : string.Join(", ", realm.Bootstraps)),
            ("policy", $"number {realm.Policy?.Sequence ?? 0}, {realm.Policy?.Rules.Count ?? 0} rules"),
            ("revocations", $"number {realm.Revocations?.Sequence ?? 0}, {realm.Revocations?.Entries.Count ?? 0} entries"),
            ("realm file", path));
    }
}
