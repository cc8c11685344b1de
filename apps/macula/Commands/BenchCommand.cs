using System.CommandLine;
using Macula.Cli.Benchmarks;

namespace Macula.Cli.Commands;

/// <summary><c>macula bench …</c>: measuring on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure on this machine.") { CreateCall() };

    private static Command CreateCall()
    {
        var calls = new Option<int>("--calls") { Description = "Calls one after the other, for the round trip.", DefaultValueFactory = _ => 1000 };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; the median of each figure is printed with all samples.", DefaultValueFactory = _ => 5 };
        var seconds = new Option<double>("--seconds") { Description = "Length of each measurement of the rate.", DefaultValueFactory = _ => 2 };
        var command = new Command(
            "call", "Measure calls of 'echo' with 64 bytes between two processes on loopback: round trip one at a time, rate with 64 in flight.")
        {
            calls, rounds, seconds,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var plan = new CallBenchmarkPlan(parse.GetValue(calls), parse.GetValue(rounds), TimeSpan.FromSeconds(parse.GetValue(seconds)));
            plan.Validate();
            await CallBenchmark.RunAsync(plan, CommonOptions.FormOf(parse), cancellationToken);
            return (int)ExitCode.Success;
        });
        return command;
    }
}
