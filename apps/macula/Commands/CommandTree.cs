using System.CommandLine;
using System.CommandLine.Help;

namespace Macula.Cli.Commands;

/// <summary>All commands of the program.</summary>
internal static class CommandTree
{
    /// <summary>Longest time from Ctrl-C or SIGTERM to the end: what running calls are given, what handlers that were told to stop are given, and some air.</summary>
    public static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(15);

    /// <summary>How words are read: none of them names a file with more of them.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    /// <summary>The program itself.</summary>
    public static RootCommand Root { get; } = Create();

    /// <summary>The words that lead to a command, without the program's name.</summary>
    public static IEnumerable<string> PathOf(Command command) =>
        command is RootCommand ? [] : command.Parents.OfType<Command>().SelectMany(PathOf).Append(command.Name);

    private static RootCommand Create()
    {
        var root = new RootCommand
        {
            DemoCommand.Create(),
            RealmCommand.Create(),
            CertCommand.Create(),
            NodeCommand.Create(),
            GatewayCommand.Create(),
            ServeCommand.Create(),
            CallCommand.Create(),
            PubCommand.Create(),
            SubCommand.Create(),
            SessionCommand.Create(),
            BenchCommand.Create(),
            SimCommand.Create(),
            VersionCommand.Create(),
        };
        CommonOptions.Json.Recursive = true;
        root.Add(CommonOptions.Json);
        root.Options.OfType<HelpOption>().Single().Action = new HelpOnRequest();
        root.Options.OfType<VersionOption>().Single().Action = new VersionOnRequest();
        return root;
    }
}
