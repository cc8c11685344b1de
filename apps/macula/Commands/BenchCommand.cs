using System.CommandLine;
using Macula.Cli.Benchmarks;

namespace Macula.Cli.Commands;

/// <summary><c>macula bench …</c>: measuring on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create() => new ProgramCommand("bench", "Measure on this machine.") { CreateCall() };

    private static ProgramCommand CreateCall()
    {
        var calls = new Option<int>("--calls") { Description = "Calls one after the other, for the round trip, 1 to 1000000.", HelpName = "N", DefaultValueFactory = _ => 1000 };
        var rounds = new Option<int>("--rounds") { Description = "How often to measure, 1 to 100; of each figure the median is printed, and all samples.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var seconds = new Option<double>("--seconds") { Description = "Length of each measurement of the rate, 0.1 to 60.", HelpName = "SECONDS", CustomParser = Word.ReadNumber, DefaultValueFactory = _ => 2 };
        var command = new ProgramCommand("call", "Measure calls between two processes on loopback.")
        {
            Details = """
                Calls 'echo' with 64 bytes in a second process of this program: one at a time for the round trip, 64 in flight for the rate. It makes a realm of its own and removes it.
                With --json each figure is one line with name, value, unit and samples.
                """,
            Examples = ["macula bench call", "macula bench call --calls 10000 --rounds 3 --json"],
        };
        command.Add(calls);
        command.Add(rounds);
        command.Add(seconds);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var plan = new CallBenchmarkPlan(parse.GetValue(calls), parse.GetValue(rounds), ParseSeconds(parse.GetValue(seconds)));
            plan.Validate();
            await CallBenchmark.RunAsync(plan, CommonOptions.FormOf(parse), cancellationToken);
            return (int)ExitCode.Success;
        });
        return command;
    }

    // Before it becomes a time: not every number is one.
    private static TimeSpan ParseSeconds(double seconds) =>
        seconds is >= 0 and <= 3600 ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero;
}
