using System.CommandLine;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary><c>macula node …</c>: a node that is there and provides nothing.</summary>
internal static class NodeCommand
{
    public static Command Create() => new ProgramCommand("node", "Run a node of a realm.") { CreateRun() };

    private static ProgramCommand CreateRun()
    {
        var node = new NodeOptions();
        var mode = new DhtModeOption();
        var stop = new StopRequest();
        var command = new ProgramCommand("run", "Run a node that provides nothing, until Ctrl-C or SIGTERM.")
        {
            Details = """
                The node accepts connections of its realm and answers every call with 'no such procedure'; 'macula serve' runs one that provides some.
                With --dht server it holds the realm's records, as gateways do.
                The first line of --json names the address that was bound. Warnings go to standard error.
                """,
            Examples = ["macula node run --as alice --listen 127.0.0.1:9443", "macula node run --as store1 --listen 192.0.2.7:9443 --dht server"],
        };
        node.AddTo(command);
        mode.AddTo(command);
        stop.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var running = await node.StartAsync(parse, NodePreset.Staying with { Mode = mode.Read(parse) }, cancellationToken);
            Announce(running.Peer, CommonOptions.FormOf(parse));
            await stop.WaitAsync(parse, running.Peer.WaitForStopAsync, cancellationToken);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Announce(MaculaPeer peer, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(("event", "listening"), ("node", peer.Self.Name), ("id", peer.Self.NodeId), ("realm", peer.Self.RealmId), ("address", peer.LocalEndPoint));
            return;
        }

        Terminal.WriteFields(("node", peer.Self.ToString()), ("realm", peer.Self.RealmId.ToString()), ("address", peer.LocalEndPoint.ToString()));
        Terminal.WriteLine("Running until Ctrl-C.");
    }
}
