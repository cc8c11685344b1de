using System.CommandLine;
using System.Globalization;
using Macula.Cli.Nodes;
using Macula.Cli.Output;
using Macula.PubSub;
using Macula.Wire.Identifiers;

namespace Macula.Cli.Commands;

/// <summary><c>macula sub</c>: shows events as they come.</summary>
internal static class SubCommand
{
    private const int LongestAlignedTopic = 32;
    private const double ShortestTime = 0.1;
    private const double LongestTime = 86_400;

    private static readonly TimeSpan LeastTimeUntilInForce = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var pattern = new Argument<string>("pattern") { Description = "Which topics: '*' stands for one segment, '**' for any number of them, also none." };
        var count = new Option<int?>("--count") { Description = "End after so many events, 1 to 1000000000. Default: no limit.", HelpName = "N" };
        var seconds = new Option<double?>("--for") { Description = "End after so many seconds from the moment that the subscription is in force, 0.1 to 86400; fail when it is not within as long, and 10 s at least. Default: no limit.", HelpName = "SECONDS", CustomParser = result => Word.ReadNumber(result) };
        var node = new NodeOptions();
        var stop = new StopRequest();
        var command = new ProgramCommand("sub", "Show the events whose topics match a pattern, until Ctrl-C.")
        {
            Details = """
                The subscription is in force when the line on standard error, or the line of --json with the event 'subscribed', says so: what is published from then on arrives.
                With --json each event is one object with topic, value, publisher and time. Events that were dropped, since the reader of this output was too slow for them, are counted at the end.
                """,
            Examples = ["macula sub 'sensor.*' --as bob", "macula sub 'sensor.**' --as bob --count 10 --for 60 --json"],
        };
        command.Add(pattern);
        command.Add(count);
        command.Add(seconds);
        node.AddTo(command);
        stop.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var topics = Word.Read(parse.GetValue(pattern)!, TopicPattern.Parse);
            var most = ReadCount(parse.GetValue(count), count.Name);
            var time = parse.GetValue(seconds) is { } given ? Word.ReadSeconds(given, seconds.Name, ShortestTime, LongestTime) : Timeout.InfiniteTimeSpan;
            var form = CommonOptions.FormOf(parse);
            await using var running = await node.StartAsync(parse, NodePreset.Staying, cancellationToken);
            await stop.WaitAsync(parse, ended => ShowAsync(running.Peer, topics, most, time, form, ended), cancellationToken);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static int ReadCount(int? count, string option) =>
        count is null ? int.MaxValue
        : count is >= 1 and <= 1_000_000_000 ? count.Value
        : throw new CommandFailure(ExitCode.Usage, $"{option} takes 1 to 1000000000.");

    private static async Task ShowAsync(MaculaPeer peer, TopicPattern pattern, int most, TimeSpan time, OutputForm form, CancellationToken cancellationToken)
    {
        await using var subscription = await RealmSearch.WithinAsync(
            peer, TimeUntilInForce(time), async end => await peer.SubscribeAsync(pattern.Value, options: null, end), cancellationToken);
        Announce(peer, pattern, form);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(time);
        var shown = 0;
        try
        {
            await foreach (var happened in subscription.WithCancellation(end.Token))
            {
                Print(happened, form);
                if (++shown == most)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The time is over, or somebody has seen enough.
        }

        if (subscription.DroppedEvents > 0)
        {
            Terminal.WriteError($"{subscription.DroppedEvents} events were dropped, since this output was read too slowly.");
        }
    }

    // However little somebody wants to see, the realm has to be found first.
    private static TimeSpan TimeUntilInForce(TimeSpan time) => time == Timeout.InfiniteTimeSpan || time > LeastTimeUntilInForce ? time : LeastTimeUntilInForce;

    private static void Announce(MaculaPeer peer, TopicPattern pattern, OutputForm form)
    {
        if (form == OutputForm.Json)
        {
            JsonLine.Write(("event", "subscribed"), ("node", peer.Self.Name), ("id", peer.Self.NodeId), ("realm", peer.Self.RealmId), ("address", peer.LocalEndPoint), ("pattern", pattern));
        }
        else
        {
            Terminal.WriteNote($"Subscribed to {pattern}.");
        }
    }

    private static void Print(MeshEvent happened, OutputForm form)
    {
        try
        {
            if (form == OutputForm.Json)
            {
                JsonLine.Write(EventFields.Of(happened));
                return;
            }

            var time = happened.PublishedAt.ToDateTimeOffset().ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
            var topic = happened.Topic.Value.PadRight(Math.Min(LongestAlignedTopic, (happened.Topic.Value.Length + 7) / 8 * 8));
            var value = Terminal.Harmless(ResultText.Of(happened.Value, "An event came, but its value"));
            Terminal.WriteLine($"{Terminal.Paint(time, Tone.Aside)}  {topic}  {value}  {Terminal.Paint($"from {happened.Publisher.Name}", Tone.Aside)}");
        }
        catch (CommandFailure failure)
        {
            // Others publish what they like, also what JSON has no form for; the next event may be better.
            Terminal.WriteError(failure.Message);
        }
    }
}
