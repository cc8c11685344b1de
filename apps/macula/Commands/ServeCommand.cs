using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Transport;
using Microsoft.Extensions.Logging;

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
        var command = new ProgramCommand("serve", "Run a node that provides procedures, until Ctrl-C or SIGTERM.")
        {
            Details = """
                echo gives back what it is given; math.add adds the numbers a and b; time.now tells the node's time; time.wait answers after some seconds.
                The first line of --json names the address that was bound. Told to stop, the node takes no new calls and gives running ones 5 s. Warnings go to standard error.
                """,
            Examples = ["macula serve --as alice --listen 127.0.0.1:9443", "macula serve echo time.now --as alice --listen [::]:9443 --verbose"],
        };
        command.Add(procedures);
        node.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var names = parse.GetValue(procedures)!.Distinct(StringComparer.Ordinal).ToArray();
            if (names.FirstOrDefault(name => !BuiltInProcedures.All.ContainsKey(name)) is { } unknown)
            {
                throw new CommandFailure(ExitCode.Usage, $"'{unknown}' is no built-in procedure; there are {string.Join(", ", BuiltInProcedures.All.Keys)}.");
            }

            await using var running = await node.StartAsync(parse, LogLevel.Warning, new EndpointOptions(), cancellationToken);
            foreach (var name in names)
            {
                await running.Peer.AdvertiseAsync(name, BuiltInProcedures.All[name], cancellationToken);
            }

            Announce(running.Peer, names, CommonOptions.FormOf(parse));
            await StopRequest.WaitAsync(running.Peer.WaitForStopAsync, cancellationToken);
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
                ("procedures", names));
            return;
        }

        Terminal.WriteFields(
            ("node", $"{peer.Self.Name} ({peer.Self.NodeId})"), ("realm", peer.Self.RealmId.ToString()), ("address", peer.LocalEndPoint.ToString()),
            ("procedures", string.Join(", ", names)));
        Terminal.WriteLine("Serving until Ctrl-C.");
    }
}
