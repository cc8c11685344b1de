using System.CommandLine;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.Connections;
using Macula.PubSub;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Cli.Commands;

/// <summary><c>macula pub</c>: publishes one event, or one every few seconds.</summary>
internal static class PubCommand
{
    private const double ShortestInterval = 0.01;
    private const double LongestInterval = 86_400;

    public static Command Create()
    {
        var topic = new Argument<string>("topic") { Description = "What the events are about, such as sensor.load." };
        var value = new Argument<string?>("value") { Description = "What happened, as JSON. Default: null.", Arity = ArgumentArity.ZeroOrOne };
        var every = new Option<double?>("--every") { Description = "Publish again after so many seconds, 0.01 to 86400, until Ctrl-C. Default: publish once.", HelpName = "SECONDS", CustomParser = result => Word.ReadNumber(result) };
        var measure = new Option<string?>("--measure") { Description = "Publish a measurement of this machine instead of VALUE: load or memory.", HelpName = "WHAT" };
        var node = new NodeOptions();
        var stop = new StopRequest();
        var command = new ProgramCommand("pub", "Publish an event, or one every few seconds.")
        {
            Details = """
                The subscribers are found in the DHT, and each gets the event directly, at most once. Exit code 11 says that no bootstrap of the realm answers.
                With --every a failure is said on standard error and the next event is tried. The first line of --json has the event 'publishing'; one line follows for each event that was published.
                """,
            Examples = ["macula pub sensor.door '{\"open\":true}' --as alice", "macula pub sensor.load --measure load --every 1 --as alice"],
        };
        command.Add(topic);
        command.Add(value);
        command.Add(every);
        command.Add(measure);
        node.AddTo(command);
        stop.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = Word.Read(parse.GetValue(topic)!, TopicName.Parse);
            var source = SourceOf(parse.GetValue(value), parse.GetValue(measure));
            var interval = parse.GetValue(every) is { } seconds ? Word.ReadSeconds(seconds, every.Name, ShortestInterval, LongestInterval) : (TimeSpan?)null;
            await using var running = await node.StartAsync(parse, NodePreset.Passing with { Connections = new ConnectionOptions() }, cancellationToken);
            var form = CommonOptions.FormOf(parse);
            Announce(running.Peer, name, form);
            if (interval is { } pause)
            {
                await stop.WaitAsync(parse, ended => PublishAgainAndAgainAsync(running.Peer, name, source, pause, form, ended), cancellationToken);
            }
            else
            {
                await RealmSearch.ReportLostAsync(running.Peer, () => PublishAsync(running.Peer, name, source(), form, cancellationToken));
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Func<MeshValue> SourceOf(string? json, string? measure)
    {
        if (measure is null)
        {
            var value = json is null ? MeshValue.Nil : Word.ReadJson(json);
            return () => value;
        }

        var what = Word.ReadEnum<MachineMeasure>(measure, "--measure");
        return json is null ? () => MachineMeasures.Take(what) : throw new CommandFailure(ExitCode.Usage, "An event has a VALUE or a --measure, not both.");
    }

    private static async Task PublishAgainAndAgainAsync(MaculaPeer peer, TopicName topic, Func<MeshValue> source, TimeSpan pause, OutputForm form, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(pause);
        do
        {
            try
            {
                await PublishAsync(peer, topic, source(), form, cancellationToken);
            }
            catch (MaculaException exception) when (exception.IsTransient)
            {
                Terminal.WriteError(exception.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private static async Task<PublishReceipt> PublishAsync(MaculaPeer peer, TopicName topic, MeshValue value, OutputForm form, CancellationToken cancellationToken)
    {
        var receipt = await peer.PublishAsync(topic.Value, value, options: null, cancellationToken);
        Print(topic, value, receipt, form);
        return receipt;
    }

    private static void Announce(MaculaPeer peer, TopicName topic, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(("event", "publishing"), ("node", peer.Self.Name), ("id", peer.Self.NodeId), ("realm", peer.Self.RealmId), ("address", peer.LocalEndPoint), ("topic", topic));
        }
    }

    private static void Print(TopicName topic, MeshValue value, PublishReceipt receipt, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(("published", EventFields.NameOf(receipt.Id)), ("topic", topic), ("value", new RawJson(value.ToJson())), ("subscribers", receipt.Subscribers));
        }
        else
        {
            Terminal.WriteLine($"{topic}  {value.ToJson()}  {Terminal.Paint(receipt.Subscribers == 1 ? "to 1 subscriber" : $"to {receipt.Subscribers} subscribers", Tone.Aside)}");
        }
    }
}
