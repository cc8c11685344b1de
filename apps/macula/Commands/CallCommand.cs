using System.CommandLine;
using System.Globalization;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Rpc;
using Macula.Wire.Frames;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Cli.Commands;

/// <summary><c>macula call</c>: one call, its result on standard output.</summary>
internal static class CallCommand
{
    public static Command Create()
    {
        var procedure = new Argument<string>("procedure") { Description = "The procedure's name, such as math.add." };
        var argument = new Argument<string>("argument") { Description = "The argument as JSON. Default: null.", DefaultValueFactory = _ => "null" };
        var at = new Option<string>("--at") { Description = "Address of the node to call.", HelpName = "HOST:PORT", Required = true };
        var nodeId = new Option<string?>("--node") { Description = "Id of the node that must answer there. Default: any member of the realm.", HelpName = "ID" };
        var deadline = new Option<double>("--deadline") { Description = "Seconds for everything together.", HelpName = "SECONDS", DefaultValueFactory = _ => 10 };
        var node = new NodeOptions();
        var command = new Command("call", "Call a procedure and print its result as JSON.") { procedure, argument, at, nodeId, deadline };
        node.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = ProcedureName.Parse(parse.GetValue(procedure)!);
            var value = ParseArgument(parse.GetValue(argument)!);
            var options = new CallOptions
            {
                At = await HostAddress.ResolveAsync(parse.GetValue(at)!, cancellationToken),
                Node = ParseNodeId(parse.GetValue(nodeId)),
                Deadline = ParseDeadline(parse.GetValue(deadline)),
            };
            await using var running = await node.StartAsync(parse, cancellationToken);
            var reply = await running.Peer.CallAsync(name.Value, value, options, cancellationToken);
            Print(reply, CommonOptions.FormOf(parse));
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Print(CallReply reply, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(
                ("result", new RawJson(reply.Value.ToJson())), ("provider", reply.Provider.NodeId), ("providerName", reply.Provider.Name),
                ("path", reply.Path.Carrier), ("roundTripMs", reply.Path.RoundTripTime.TotalMilliseconds), ("elapsedMs", reply.Elapsed.TotalMilliseconds));
            return;
        }

        Terminal.WriteLine(reply.Value.ToJson());
        Console.Error.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"from {reply.Provider.Name} ({reply.Provider.NodeId}), {reply.Path.Carrier}, round trip {reply.Path.RoundTripTime.TotalMilliseconds:0.00} ms, all together {reply.Elapsed.TotalMilliseconds:0.0} ms"));
    }

    private static MeshValue ParseArgument(string json)
    {
        try
        {
            return MeshValue.ParseJson(json);
        }
        catch (FormatException exception)
        {
            throw new CommandFailure(ExitCode.Usage, $"The argument is no JSON: {exception.Message}");
        }
    }

    private static NodeId? ParseNodeId(string? text) =>
        text is null ? null
        : NodeId.TryParse(text, out var id) ? id
        : throw new CommandFailure(ExitCode.Usage, $"'{text}' is no node id; it has {2 * NodeId.ByteCount} hexadecimal digits.");

    private static TimeSpan ParseDeadline(double seconds) =>
        seconds >= 0.001 && seconds <= CallFrame.MaxTimeLeft.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandFailure(ExitCode.Usage, "The deadline is 0.001 to 86400 seconds.");
}
