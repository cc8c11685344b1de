using System.CommandLine;
using System.Security.Cryptography;
using Macula.Cli.Simulations;

namespace Macula.Cli.Commands;

/// <summary><c>macula sim</c>: meshes in virtual time.</summary>
internal static class SimCommand
{
    // Short enough to be typed; among so many no two runs of one day are likely to be the same.
    private const int FreshSeeds = int.MaxValue;

    public static Command Create()
    {
        var seed = new Option<long?>("--seed") { Description = "The run to make; the same seed gives the same run. Without it a fresh one is drawn and printed.", HelpName = "N" };
        var seeds = new Option<int>("--seeds") { Description = "How many runs to make, 1 to 1000000, with this seed and those after it.", HelpName = "COUNT", DefaultValueFactory = _ => 1 };
        var nodes = new Option<int>("--nodes") { Description = "How many nodes there are, the gateway included, 4 to 1000.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var realms = new Option<int>("--realms") { Description = "How many realms there are, 1 to 8, and at most one for every three nodes.", HelpName = "N", DefaultValueFactory = _ => 2 };
        var seconds = new Option<int>("--seconds") { Description = "Length of a run in virtual time, 80 to 3600. There are faults until 70 s before its end.", HelpName = "SECONDS", DefaultValueFactory = _ => 120 };
        var faults = new Option<string>("--faults") { Description = $"What goes wrong, with commas between the kinds: {SimulationSeries.FaultNames}.", HelpName = "KINDS", DefaultValueFactory = _ => "all" };
        var command = new ProgramCommand("sim", "Run a whole mesh in virtual time while things go wrong, and check that it does what it must.")
        {
            Details = """
                A gateway and peers of several realms call each other on a simulated network; nodes are killed, stopped and started again, links lose and delay packets, the network falls apart. What must never happen, and what must happen once faults have stopped, is checked all the time: see docs/simulation.md.
                With --json each run is one line with seed, nodes, trace (a hash over everything that was sent and delivered) and violations (how many).
                """,
            Examples = ["macula sim", "macula sim --seed 42 --nodes 50", "macula sim --faults kills,loss", "macula sim --seeds 200 --json"],
        };
        command.Add(seed);
        command.Add(seeds);
        command.Add(nodes);
        command.Add(realms);
        command.Add(seconds);
        command.Add(faults);
        command.SetAction((parse, cancellationToken) =>
        {
            var plan = new SimulationSeries(
                parse.GetValue(seed) ?? RandomNumberGenerator.GetInt32(FreshSeeds), parse.GetValue(seeds), parse.GetValue(nodes), parse.GetValue(realms), parse.GetValue(seconds),
                SimulationSeries.ReadFaults(parse.GetValue(faults) ?? ""));
            plan.Validate();
            var violated = plan.Run(CommonOptions.FormOf(parse), cancellationToken);
            return Task.FromResult((int)(violated ? ExitCode.InvariantViolated : ExitCode.Success));
        });
        return command;
    }
}
