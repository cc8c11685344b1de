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
    public static Command Create() => new ProgramCommand("realm", "Found a realm, or look at one.") { CreateCreate(), CreateBootstrap(), CreateShow() };

    private static ProgramCommand CreateCreate()
    {
        var name = new Argument<string>("name") { Description = "The realm's name, for people: a lower-case DNS name such as tenant-a or plant7.example." };
        var directory = new Option<string?>("--out") { Description = "Directory for the authority's files. Default: one named after the realm.", HelpName = "DIR" };
        var bootstrap = new Option<string[]>("--bootstrap")
        {
            Description = $"Address that new nodes of the realm are given. May be given up to {RealmFile.MaxBootstraps} times.",
            HelpName = "HOST:PORT",
            DefaultValueFactory = _ => [],
        };
        var command = new ProgramCommand("create", "Found a realm: make its authority, first policy and realm file.")
        {
            Details = """
                The directory then holds the realm's most precious secret, its authority's key. Keep it off machines that run nodes, and back it up.
                The first policy lets peers publish, subscribe, call and advertise every name and store records; gateways and bootstraps relay and store.
                """,
            Examples = ["macula realm create tenant-a", "macula realm create plant7.example --out authority --bootstrap mesh.plant7.example:9443"],
        };
        command.Add(name);
        command.Add(directory);
        command.Add(bootstrap);
        command.SetAction(parse =>
        {
            var realmName = Word.Read(parse.GetValue(name)!, RealmName.Parse);
            var bootstraps = ParseBootstraps(parse.GetValue(bootstrap)!);
            var path = parse.GetValue(directory) ?? realmName.Value;
            var authority = RealmAuthority.Create(realmName, EcdsaP256Scheme.Instance, new SystemRandomSource(), SystemTime.Now);
            authority.SetBootstraps(bootstraps);
            using var store = AuthorityStore.Create(path, authority);
            Show(authority.Realm, store.RealmFilePath, CommonOptions.FormOf(parse));
        });
        return command;
    }

    private static ProgramCommand CreateBootstrap()
    {
        var addresses = new Argument<string[]>("address")
        {
            Description = "All addresses that new nodes are given, each as HOST:PORT; none, for none.", HelpName = "ADDRESS", Arity = ArgumentArity.ZeroOrMore,
        };
        var authority = new Option<string>("--authority") { Description = "The authority's directory, as 'macula realm create' made it.", HelpName = "DIR", Required = true };
        var command = new ProgramCommand("bootstrap", "Set the addresses that new nodes of a realm are given.")
        {
            Details = "They take the place of those that the realm file names. Nodes that are issued from now on get them; give the file to the others, who read it when they start.",
            Examples = ["macula realm bootstrap 192.0.2.7:9443 mesh.example.org:9443 --authority tenant-a", "cp tenant-a/realm.json alice/realm.json"],
        };
        command.Add(addresses);
        command.Add(authority);
        command.SetAction(parse =>
        {
            var bootstraps = ParseBootstraps(parse.GetValue(addresses)!);
            using var store = AuthorityStore.Open(parse.GetValue(authority)!, EcdsaP256Scheme.Instance);
            store.Authority.SetBootstraps(bootstraps);
            store.Save();
            Show(store.Authority.Realm, store.RealmFilePath, CommonOptions.FormOf(parse));
        });
        return command;
    }

    private static ProgramCommand CreateShow()
    {
        var file = new Argument<string>("file") { Description = "A realm file, or a directory that holds realm.json: an authority's or a node's." };
        var command = new ProgramCommand("show", "Show what a realm file says, its signatures checked.") { Examples = ["macula realm show tenant-a"] };
        command.Add(file);
        command.SetAction(parse =>
        {
            var path = NodeDirectory.RealmFileAt(parse.GetValue(file)!);
            Show(RealmFile.Load(path, EcdsaP256Scheme.Instance), path, CommonOptions.FormOf(parse));
        });
        return command;
    }

    private static BootstrapAddress[] ParseBootstraps(string[] texts) =>
        texts.Length <= RealmFile.MaxBootstraps
            ? [.. texts.Select(HostAddress.Parse)]
            : throw new CommandFailure(ExitCode.Usage, $"A realm has at most {RealmFile.MaxBootstraps} bootstrap addresses.");

    private static void Show(RealmFile realm, string path, OutputForm form)
    {
        var end = realm.Authorities[^1].NotAfter.ToDateTimeOffset();
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("realm", realm.Name), ("id", realm.Id), ("authorityUntil", end.ToString("O", null)), ("bootstraps", realm.Bootstraps.Select(address => address.ToString())),
                ("policy", realm.Policy?.Sequence ?? 0), ("rules", realm.Policy?.Rules.Count ?? 0),
                ("revocationList", realm.Revocations?.Sequence ?? 0), ("revoked", realm.Revocations?.Entries.Count ?? 0), ("file", path));
            return;
        }

        Terminal.WriteFields(
            ("realm", realm.Name.Value),
            ("id", realm.Id.ToString()),
            ("authority until", end.ToString("yyyy-MM-dd", null)),
            ("bootstraps", realm.Bootstraps.Count == 0 ? "none" : string.Join(", ", realm.Bootstraps)),
            ("policy", $"number {realm.Policy?.Sequence ?? 0}, {realm.Policy?.Rules.Count ?? 0} rules"),
            ("revocations", $"number {realm.Revocations?.Sequence ?? 0}, {realm.Revocations?.Entries.Count ?? 0} entries"),
            ("realm file", path));
    }
}
