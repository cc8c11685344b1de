using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Cli.Sessions;

namespace Macula.Cli.Commands;

/// <summary><c>macula session</c>: a node that is driven by lines of JSON, for scripts and programs of any language.</summary>
internal static class SessionCommand
{
    public static Command Create()
    {
        var node = new NodeOptions();
        var mode = new DhtModeOption();
        var serve = new Option<string[]>("--serve")
        {
            Description = $"Also provide these procedures: {string.Join(", ", BuiltInProcedures.All.Keys)}. Default: none.", HelpName = "PROCEDURE", AllowMultipleArgumentsPerToken = true,
        };
        var command = new ProgramCommand("session", "Run a node that is driven by JSON lines on standard input.")
        {
            Details = $$$"""
                A bridge for scripts and programs of any language: one request a line, one answer a line, in JSON with or without --json. An answer repeats the id of its request; answers come when they are ready, in any order.
                {"id":1,"call":"math.add","argument":{"a":5,"b":3}} calls; it may have "at", "node" and "deadline", as 'macula call' has. The answer has "result", or "error" and "message". What the session provides itself, with --serve, it calls in memory: the answer's "path" is "local".
                {"id":2,"publish":"sensor.load","value":0.5} publishes. {"id":3,"subscribe":"sensor.*"} subscribes: it is answered when the subscription is in force, and each event is a line with "id":3, "topic" and "value". {"id":4,"unsubscribe":3} ends it.
                A line that cannot be understood is answered with the error Usage. At most {{{Session.MaxRequestsInFlight}}} requests are under way; then no further line is read. A line has at most {{{Session.MaxLineBytes >> 20}}} MiB.
                The first line of output has the event 'ready', and one with the event 'joined' follows when the node has found its realm; there is no need to wait for it. At the end of input the session answers what was asked, and ends.
                """,
            Examples =
            [
                "echo '{\"id\":1,\"call\":\"math.add\",\"argument\":{\"a\":5,\"b\":3}}' | macula session --as bob",
                "echo '{\"id\":1,\"call\":\"echo\",\"argument\":\"x\"}' | macula session --serve echo --as bob",
                "(echo '{\"id\":1,\"subscribe\":\"sensor.*\"}'; sleep 60) | macula session --as bob",
            ],
        };
        node.AddTo(command);
        mode.AddTo(command);
        command.Add(serve);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var names = BuiltInProcedures.Demand(parse.GetValue(serve) ?? []);
            await using var running = await node.StartAsync(parse, NodePreset.Passing with { Mode = mode.Read(parse), Direction = DialDirection.Both }, cancellationToken);
            await BuiltInProcedures.AdvertiseAsync(running.Peer, names, cancellationToken);
            var self = running.Peer.Self;
            JsonLine.Write(("event", "ready"), ("node", self.Name), ("nodeId", self.NodeId), ("realm", self.RealmId), ("address", running.Peer.LocalEndPoint));
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var joined = AnnounceJoinedAsync(running.Peer, end.Token);
            try
            {
                await new Session(running.Peer).RunAsync(Console.OpenStandardInput(), cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Being told to stop is one of the two ways in which a session ends.
            }
            finally
            {
                await end.CancelAsync();
                await joined;
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static async Task AnnounceJoinedAsync(MaculaPeer peer, CancellationToken cancellationToken)
    {
        try
        {
            await peer.WaitUntilJoinedAsync(cancellationToken);
            JsonLine.Write(("event", "joined"));
        }
        catch (OperationCanceledException)
        {
            // The session was over before.
        }
    }
}
