using System.CommandLine;

namespace Macula.Cli.Commands;

/// <summary>All commands of the program.</summary>
internal static class CommandTree
{
    private const string Description = """
        Macula: a self-organising mesh for distributed applications.

        A first walk:
          macula realm create tenant-a                            makes the realm's authority in ./tenant-a
          macula cert issue alice --authority tenant-a            makes ./alice: certificate, key and realm file
          macula cert issue bob --authority tenant-a
          macula serve --as alice --listen 127.0.0.1:9443         provides echo, math.add and time.now
          macula call math.add '{"a":5,"b":3}' --as bob --at 127.0.0.1:9443

        Exit codes: 0 done; 1 failed; 2 wrong command line; 3 something is missing on this machine; 4 a realm,
        certificate or key file cannot be used; 5 the address cannot be bound; 6 nobody answers there;
        7 refused by certificate, realm or policy; 8 deadline passed; 130 stopped with Ctrl-C.
        """;

    /// <summary>The program itself.</summary>
    public static RootCommand Root { get; } = Create();

    /// <summary>The words that lead to a command, without the program's name.</summary>
    public static IEnumerable<string> PathOf(Command command) =>
        command is RootCommand ? [] : command.Parents.OfType<Command>().SelectMany(PathOf).Append(command.Name);

    private static RootCommand Create()
    {
        var root = new RootCommand(Description)
        {
            RealmCommand.Create(),
            CertCommand.Create(),
            ServeCommand.Create(),
            CallCommand.Create(),
            BenchCommand.Create(),
            VersionCommand.Create(),
        };
        CommonOptions.Json.Recursive = true;
        root.Add(CommonOptions.Json);
        return root;
    }
}
