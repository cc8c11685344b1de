using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Rpc;
using Macula.Wire.Errors;

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
        var mode = new DhtModeOption();
        var stop = new StopRequest();
        var command = new ProgramCommand("serve", "Run a node that provides procedures, until Ctrl-C or SIGTERM.")
        {
            Details = """
                echo gives back what it is given; math.add adds the numbers a and b; time.now tells the node's time; time.wait answers after some seconds.
                Members of the realm find them by name: the node tells the DHT, which the bootstraps of the realm file lead into, and goes on trying while none of them answers.
                The first line of --json names the address that was bound, and one with the event 'published' follows when the procedures can be found. Told to stop, the node takes no new calls and gives running ones 5 s. Warnings go to standard error.
                """,
            Examples = ["macula serve --as alice --listen 127.0.0.1:9443", "macula serve echo time.now --as alice --listen 0.0.0.0:9443 --address 192.0.2.7:9443 --dht server"],
        };
        command.Add(procedures);
        node.AddTo(command);
        mode.AddTo(command);
        stop.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var names = BuiltInProcedures.Demand(parse.GetValue(procedures)!);
            await using var running = await node.StartAsync(parse, NodePreset.Staying with { Mode = mode.Read(parse) }, cancellationToken);
            var advertisements = await BuiltInProcedures.AdvertiseAsync(running.Peer, names, cancellationToken);
            Announce(running.Peer, names, CommonOptions.FormOf(parse));
            await stop.WaitAsync(
                parse,
                async ended =>
                {
                    await AnnouncePublishedAsync(advertisements, CommonOptions.FormOf(parse), ended);
                    await running.Peer.WaitForStopAsync(ended);
                },
                cancellationToken);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static async Task AnnouncePublishedAsync(List<Advertisement> advertisements, OutputForm form, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var advertisement in advertisements)
            {
                await advertisement.WaitUntilPublishedAsync(cancellationToken);
            }
        }
        catch (MaculaException)
        {
            // The node has ended by itself, and says why to whoever waits for its end.
            return;
        }

        if (form == OutputForm.Json)
        {
            JsonLine.Write(("event", "published"), ("procedures", advertisements.Select(advertisement => advertisement.Procedure.Value)));
        }
        else
        {
            Terminal.WriteLine("Every member of the realm can find it by name now.");
        }
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
