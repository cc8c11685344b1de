using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Dht;
using Macula.Rpc;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;
using Microsoft.Extensions.Logging;

namespace Macula.Cli.Commands;

/// <summary><c>macula call</c>: one call, its result on standard output.</summary>
internal static class CallCommand
{
    // A node that lives answers a handshake within a few round trips; what is left of the deadline is for the call itself, and for saying that nobody answered.
    private const double ShareOfHandshake = 0.8;

    // Time for the first packet and two repetitions of it, which are sent after about 1 s and 3 s (RFC 9002 §6.2.2).
    private static readonly TimeSpan LongestHandshake = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ShortestHandshake = TimeSpan.FromMilliseconds(100);

    // A node that has joined says so at once.
    private static readonly TimeSpan TimeToSayWhetherJoined = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var procedure = new Argument<string>("procedure") { Description = "The procedure's name, such as math.add." };
        var argument = new Argument<string>("argument") { Description = "What it is given, as JSON.", DefaultValueFactory = _ => "null" };
        var at = new Option<string?>("--at") { Description = "Address of the node to call. Default: the procedure's providers, found in the DHT.", HelpName = "HOST:PORT" };
        var nodeId = new Option<string?>("--node") { Description = "Id of the node that must answer. Default: any that provides the procedure.", HelpName = "ID" };
        var deadline = new Option<double>("--deadline")
        {
            Description = "Time for everything together, 0.001 to 86400.", HelpName = "SECONDS", DefaultValueFactory = _ => 10,
        };
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
                "macula call math.add '{\"a\":5,\"b\":3}' --as bob --at 127.0.0.1:9443",
                "macula call time.wait 3 --as bob --at 127.0.0.1:9443 --deadline 1",
            ],
        };
        command.Add(procedure);
        command.Add(argument);
        command.Add(at);
        command.Add(nodeId);
        command.Add(deadline);
        node.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = Word.Read(parse.GetValue(procedure)!, ProcedureName.Parse);
            var value = ParseArgument(parse.GetValue(argument)!);
            var time = ParseDeadline(parse.GetValue(deadline));
            var target = ParseNodeId(parse.GetValue(nodeId));
            var address = parse.GetValue(at) is { } host ? await HostAddress.ResolveAsync(host, cancellationToken) : null;
            var options = new CallOptions { At = address, Node = target, Deadline = time };
            await using var running = await node.StartAsync(parse, LogLevel.None, EndpointFor(address, time), DhtMode.Client, cancellationToken);
            var reply = await CallAsync(running.Peer, name, value, options, cancellationToken);
            Print(reply, CommonOptions.FormOf(parse));
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static async Task<CallReply> CallAsync(MaculaPeer peer, ProcedureName procedure, MeshValue argument, CallOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await peer.CallAsync(procedure.Value, argument, options, cancellationToken);
        }
        catch (CallException exception) when (exception.Code == ErrorCode.Unreachable && options.At is null)
        {
            // A provider that is gone and a realm that is not there are different cares of whoever called.
            throw await HasJoinedAsync(peer) ? exception : new CommandFailure(ExitCode.RealmNotFound, exception.Message);
        }
    }

    private static async Task<bool> HasJoinedAsync(MaculaPeer peer)
    {
        using var moment = new CancellationTokenSource(TimeToSayWhetherJoined);
        try
        {
            await peer.WaitUntilJoinedAsync(moment.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

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
        var result = ToJson(reply);
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("result", new RawJson(result)), ("provider", reply.Provider.NodeId), ("providerName", reply.Provider.Name),
                ("path", reply.Path.Carrier), ("roundTripMs", reply.Path.RoundTripTime.TotalMilliseconds), ("elapsedMs", reply.Elapsed.TotalMilliseconds));
            return;
        }

        Terminal.WriteLine(result);
        Console.Error.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"from {reply.Provider.Name} ({reply.Provider.NodeId}), {reply.Path.Carrier}, round trip {reply.Path.RoundTripTime.TotalMilliseconds:0.00} ms, all together {reply.Elapsed.TotalMilliseconds:0.0} ms"));
    }

    private static string ToJson(CallReply reply)
    {
        try
        {
            return reply.Value.ToJson();
        }
        catch (FormatException exception)
        {
            throw new CommandFailure(ExitCode.Failure, $"The call succeeded, but its result cannot be shown as JSON: {exception.Message}");
        }
    }

    private static MeshValue ParseArgument(string json)
    {
        try
        {
            return MeshValue.ParseJson(json);
        }
        catch (FormatException exception)
        {
            // Shells take the quotes out of JSON that is not quoted itself, which is how most of these come about.
            var reason = exception.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            throw new CommandFailure(ExitCode.Usage, $"The argument {Shorten(json)} cannot be used: {reason}. In a shell, JSON stands in single quotes: '{{\"a\":5}}'.");
        }
    }

    private static string Shorten(string text) => text.Length <= 60 ? text : $"{text.AsSpan(0, 57)}...";

    private static NodeId? ParseNodeId(string? text) =>
        text is null ? null
        : NodeId.TryParse(text, out var id) ? id
        : throw new CommandFailure(ExitCode.Usage, $"'{text}' is no node id; it has {2 * NodeId.ByteCount} hexadecimal digits.");

    private static TimeSpan ParseDeadline(double seconds) =>
        seconds >= 0.001 && seconds <= CallFrame.MaxTimeLeft.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandFailure(ExitCode.Usage, "--deadline takes 0.001 to 86400 seconds.");
}
