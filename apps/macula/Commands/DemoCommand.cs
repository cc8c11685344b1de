using System.CommandLine;
using System.Diagnostics;
using Macula.Cli.Demo;
using Macula.Cli.Output;

namespace Macula.Cli.Commands;

/// <summary><c>macula demo</c>: a mesh of processes on this machine, in four steps.</summary>
internal static class DemoCommand
{
    private const double ShortestWatch = 2;
    private const double LongestWatch = 600;

    public static Command Create()
    {
        var seconds = new Option<double>("--seconds")
        {
            Description = "How long events are watched, in each of two steps: 2 to 600.", HelpName = "SECONDS", CustomParser = Word.ReadNumber, DefaultValueFactory = _ => new DemoPlan().Watching.TotalSeconds,
        };
        var command = new ProgramCommand("demo", "Show a mesh at work: a gateway and peers of two realms, in processes of their own.")
        {
            Details = """
                Founds two realms in a temporary directory and starts a gateway, which is the bootstrap of both, and peers that find each other through it: each a process of this program with a certificate of its own, on ports of 127.0.0.1 that the system chooses.
                Then, step by step: a call by name; measurements that are published and subscribed to; another realm, which sees nothing of it and is refused; a provider that is killed, and another that takes its place.
                It takes about 20 s, ends by itself, and leaves nothing behind. The exit code is 0 when every step was ok, else 1; the step that failed says why. With --json each step is one object, and a summary follows.
                """,
            Examples = ["macula demo", "macula demo --seconds 10", "macula demo --json"],
        };
        command.Add(seconds);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var plan = new DemoPlan { Watching = Word.ReadSeconds(parse.GetValue(seconds), seconds.Name, ShortestWatch, LongestWatch) };
            IDemoView view = CommonOptions.FormOf(parse) == OutputForm.Json ? new JsonDemoView() : new TextDemoView();
            var clock = Stopwatch.StartNew();
            IReadOnlyList<StepResult> results = [];
            try
            {
                results = await Demonstration.RunAsync(plan, view, cancellationToken);
            }
            catch (DemoException failure)
            {
                view.ShowNoStart(failure);
            }

            view.ShowSummary(results, clock.Elapsed);
            return (int)(results.Count == Demonstration.Steps.Count && results.All(result => result.IsOk) ? ExitCode.Success : ExitCode.Failure);
        });
        return command;
    }
}
