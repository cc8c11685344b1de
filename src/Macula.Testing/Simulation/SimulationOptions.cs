using System.Globalization;

namespace Macula.Testing.Simulation;

/// <summary>Which kinds of faults a simulation has.</summary>
[Flags]
public enum SimulationFaults
{
    /// <summary>Nothing goes wrong; nodes are only told to stop at the end.</summary>
    None = 0,

    /// <summary>Nodes are killed without a word, and most of them started again under the same identity.</summary>
    Kills = 1,

    /// <summary>Nodes are told to stop, and started again.</summary>
    Stops = 2,

    /// <summary>Links lose 1 to 10 % of their packets.</summary>
    Loss = 4,

    /// <summary>Links are slow, and hosts are.</summary>
    Delay = 8,

    /// <summary>Nothing gets through between two hosts, in one direction or both.</summary>
    Cuts = 16,

    /// <summary>The network falls apart into two halves.</summary>
    Partitions = 32,

    /// <summary>Clocks of nodes jump by up to 10 s.</summary>
    Clocks = 64,

    /// <summary>Some of the streams between two nodes begin with another byte than was written: what such a stream carries breaks the protocol.</summary>
    Corruption = 128,

    /// <summary>All of these.</summary>
    All = Kills | Stops | Loss | Delay | Cuts | Partitions | Clocks | Corruption,
}

/// <summary>What a simulated mesh is like. Immutable. The same options give the same run.</summary>
public sealed record SimulationOptions
{
    /// <summary>How long the mesh is given to recover after the last fault: records hold for 60 s, and those of the dead have ended then.</summary>
    internal static readonly TimeSpan RecoveryTime = TimeSpan.FromSeconds(70);

    // One fault at least shall fit before the recovery.
    private static readonly TimeSpan MinDuration = RecoveryTime + TimeSpan.FromSeconds(10);

    /// <summary>The number that everything random follows from, at most <see cref="long.MaxValue"/>.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How many nodes there are, the gateway included. Default 20; range 4 to 1,000.</summary>
    public int Nodes { get; init; } = 20;

    /// <summary>How many realms there are, all of them served by the one gateway. Default 2; range 1 to 8, and at most one for every three nodes.</summary>
    public int Realms { get; init; } = 2;

    /// <summary>How long the run takes in virtual time, without the stopping of the nodes at its end. Default 2 min; range 80 s to 1 h, in whole seconds.</summary>
    /// <remarks>There are faults until 70 s before its end.</remarks>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>What goes wrong. Default: everything that can.</summary>
    public SimulationFaults Faults { get; init; } = SimulationFaults.All;

    /// <summary>Changes what a node is started with; it gets the node's name, such as <c>a03</c>. Null, the default, changes nothing.</summary>
    /// <remarks>For testing an application of one's own in it, and for checking that a broken node is found. It must do the same in every run.</remarks>
    public Func<string, MaculaPeerOptions, MaculaPeerOptions>? Configure { get; init; }

    // What differs from the defaults, in the words of `macula sim`.
    internal string ToCommand()
    {
        var usual = new SimulationOptions { Seed = Seed };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"./macula sim --seed {Seed}{(Nodes == usual.Nodes ? "" : $" --nodes {Nodes}")}{(Realms == usual.Realms ? "" : $" --realms {Realms}")}{(Duration == usual.Duration ? "" : $" --seconds {Duration.TotalSeconds}")}{(Faults == usual.Faults ? "" : $" --faults {Faults.ToString().Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant()}")}");
    }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">One is out of its range; the message names it.</exception>
    public void ThrowIfOutOfRange()
    {
        ThrowUnless(Nodes is >= 4 and <= 1000, $"{nameof(Nodes)} is {Nodes}; it ranges from 4 to 1,000.");
        ThrowUnless(Realms is >= 1 and <= 8 && Realms * 3 <= Nodes, $"{nameof(Realms)} is {Realms}; it ranges from 1 to 8, with at least three nodes for each.");
        ThrowUnless(
            Duration >= MinDuration && Duration <= TimeSpan.FromHours(1) && Duration.Ticks % TimeSpan.TicksPerSecond == 0,
            $"{nameof(Duration)} is {Duration}; it ranges from {MinDuration} to 1 h, in whole seconds.");
        ThrowUnless(Seed <= long.MaxValue, $"{nameof(Seed)} is {Seed}; it ranges from 0 to {long.MaxValue}.");
        ThrowUnless((Faults & ~SimulationFaults.All) == 0, $"{nameof(Faults)} has a kind of fault that does not exist.");

        static void ThrowUnless(bool holds, string message)
        {
            if (!holds)
            {
                throw new ArgumentException(message);
            }
        }
    }
}
