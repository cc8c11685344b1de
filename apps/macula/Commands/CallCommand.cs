using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Rpc;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Cli.Commands;

/// <summary><c>macula call</c>: one call, its result on standard output.</summary>
internal static class CallCommand
{
    // A node that lives answers a handshake within a few round trips; what is left of the deadline is for the call itself, and for saying that nobody answered.
    private const double ShareOfHandshake = 0.8;

    // Time for the first packet and two repetitions of it, which are sent after about 1 s and 3 s (RFC 9002 §6.2.2).
    private static readonly TimeSpan LongestHandshake = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ShortestHandshake = TimeSpan.FromMilliseconds(100);

    // After the first look the node is told who provides the procedure, so that looking again costs the realm nothing.
    private static readonly TimeSpan WaitPause = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var procedure = new Argument<string>("procedure") { Description = "The procedure's name, such as math.add." };
        var argument = new Argument<string>("argument") { Description = "What it is given, as JSON.", DefaultValueFactory = _ => "null" };
        var at = new Option<string?>("--at") { Description = "Address of the node to call. Default: the procedure's providers, found in the DHT.", HelpName = "HOST:PORT" };
        var nodeId = new Option<string?>("--node") { Description = "Id of the node that must answer. Default: any that provides the procedure.", HelpName = "ID" };
        var deadline = new Option<double>("--deadline")
        {
            Description = "Time for everything together, 0.001 to 86400.", HelpName = "SECONDS", CustomParser = Word.ReadNumber, DefaultValueFactory = _ => 10,
        };
        var wait = new Option<bool>("--wait") { Description = "Wait until somebody provides the procedure, as long as the deadline allows. Default: fail at once when nobody does." };
        var node = new NodeOptions();
        var command = new ProgramCommand("call", "Call a procedure and print its result as JSON.")
        {
            Details = """
                Without --at the provider is found in the DHT, which the bootstraps of the realm file lead into, and connected to directly. Exit code 11 says that none of them answers.
                The result goes to standard output; who gave it, over which path and how fast, to standard error. With --json all of it is one object on standard output.
                """,
            Examples =
            [
                "macula call math.add '{\"a\":5,\"b\":3}' --as bob",
                "macula call math.add '{\"a\":5,\"b\":3}' --as bob --wait --deadline 60",
                "macula call math.add '{\"a\":5,\"b\":3}' --as bob --at 127.0.0.1:9443",
                "macula call time.wait 3 --as bob --at 127.0.0.1:9443 --deadline 1",
            ],
        };
        command.Add(procedure);
        command.Add(argument);
        command.Add(at);
        command.Add(nodeId);
        command.Add(deadline);
        command.Add(wait);
        node.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = Word.Read(parse.GetValue(procedure)!, ProcedureName.Parse);
            var value = Word.ReadJson(parse.GetValue(argument)!);
            var time = Word.ReadDeadline(parse.GetValue(deadline), deadline.Name);
            var target = parse.GetValue(nodeId) is { } id ? Word.ReadNodeId(id) : (NodeId?)null;
            var address = parse.GetValue(at) is { } host ? await HostAddress.ResolveAsync(host, cancellationToken) : null;
            var options = new CallOptions { At = address, Node = target, Deadline = time };
            await using var running = await node.StartAsync(parse, NodePreset.Passing with { Endpoint = EndpointFor(address, time) }, cancellationToken);
            var peer = running.Peer;
            var reply = await (parse.GetValue(wait)
                ? CallOnceProvidedAsync(time, left => CallAsync(peer, name, value, options with { Deadline = left }, cancellationToken), cancellationToken)
                : CallAsync(peer, name, value, options, cancellationToken));
            Print(reply, CommonOptions.FormOf(parse));
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Task<CallReply> CallAsync(MaculaPeer peer, ProcedureName procedure, MeshValue argument, CallOptions options, CancellationToken cancellationToken)
    {
        var call = () => peer.CallAsync(procedure.Value, argument, options, cancellationToken).AsTask();
        return options.At is null ? RealmSearch.ReportLostAsync(peer, call) : call();
    }

    // Only what did not start is asked for again: whoever waits wants one call.
    private static async Task<CallReply> CallOnceProvidedAsync(TimeSpan deadline, Func<TimeSpan, Task<CallReply>> call, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var left = deadline;
        ExceptionDispatchInfo? missing = null;
        while (true)
        {
            try
            {
                return await call(left);
            }
            catch (Exception exception) when (IsMissing(exception))
            {
                missing = ExceptionDispatchInfo.Capture(exception);
            }
            catch (CallException exception) when (missing is not null && exception is { Code: ErrorCode.DeadlineExceeded, Execution: CallExecution.NotStarted })
            {
                // The last look was cut short; what those before it saw says more than that the time is over.
                missing.Throw();
            }

            await Task.Delay(WaitPause, cancellationToken);
            left = deadline - clock.Elapsed;
            if (left < WaitPause)
            {
                missing.Throw();
            }
        }
    }

    private static bool IsMissing(Exception exception) => exception is
        CallException { Code: ErrorCode.NoProvider or ErrorCode.NoSuchProcedure or ErrorCode.Unreachable, Execution: CallExecution.NotStarted } or CommandFailure { ExitCode: ExitCode.RealmNotFound };

    private static EndpointOptions EndpointFor(IPEndPoint? target, TimeSpan deadline)
    {
        var handshake = deadline * ShareOfHandshake;
        return new EndpointOptions
        {
            LocalEndPoint = new IPEndPoint(target?.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0),
            HandshakeTimeout = handshake > LongestHandshake ? LongestHandshake : handshake < ShortestHandshake ? ShortestHandshake : handshake,
        };
    }

    private static void Print(CallReply reply, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(ReplyFields.Of(reply));
            return;
        }

        Terminal.WriteLine(ResultText.Of(reply.Value, "The call succeeded, but its result"));
        Terminal.WriteNote(
            string.Create(
                CultureInfo.InvariantCulture,
                $"from {reply.Provider.Name} ({reply.Provider.NodeId}), {reply.Path.Carrier}, round trip {reply.Path.RoundTripTime.TotalMilliseconds:0.00} ms, all together {reply.Elapsed.TotalMilliseconds:0.0} ms"));
    }
}
