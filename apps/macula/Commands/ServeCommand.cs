using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary><c>macula serve</c>: a node that provides the built-in procedures.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var procedures = new Argument<string[]>("procedure")
        {
            Description = $"What to provide: {string.Join(", ", BuiltInProcedures.All.Keys)}. Default: all of them.",
            Arity = ArgumentArity.ZeroOrMore,
            DefaultValueFactory = _ => [.. BuiltInProcedures.All.Keys],
        };
        var node = new NodeOptions();
        var command = new Command("serve", "Run a node that provides procedures, until Ctrl-C or SIGTERM.") { procedures };
        node.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var names = parse.GetValue(procedures)!;
            if (names.FirstOrDefault(name => !BuiltInProcedures.All.ContainsKey(name)) is { } unknown)
            {
                throw new CommandFailure(ExitCode.Usage, $"'{unknown}' is no built-in procedure; there are {string.Join(", ", BuiltInProcedures.All.Keys)}.");
            }

            await using var running = await node.StartAsync(parse, cancellationToken);
            foreach (var name in names.Distinct(StringComparer.Ordinal))
            {
                await running.Peer.AdvertiseAsync(name, BuiltInProcedures.All[name], cancellationToken);
            }

            Announce(running.Peer, names, CommonOptions.FormOf(parse));
            try
            {
                await running.Peer.WaitForStopAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Being told to stop is how this command ends; disposal says goodbye to the others.
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Announce(MaculaPeer peer, string[] names, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("event", "serving"), ("node", peer.Self.Name), ("id", peer.Self.NodeId), ("realm", peer.Self.RealmId), ("address", peer.LocalEndPoint),
                ("procedures", string.Join(' ', names)));
            return;
        }

        Terminal.WriteFields(
            ("node", $"{peer.Self.Name} ({peer.Self.NodeId})"), ("realm", peer.Self.RealmId.ToString()), ("address", peer.LocalEndPoint.ToString()),
            ("procedures", string.Join(", ", names)));
        Terminal.WriteLine("Serving until Ctrl-C.");
    }
}
