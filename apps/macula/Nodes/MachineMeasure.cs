using System.Globalization;
using Macula.Cli.Commands;
using Macula.Wire.MessagePack;

namespace Macula.Cli.Nodes;

/// <summary>What can be measured of the machine that this process runs on.</summary>
internal enum MachineMeasure
{
    /// <summary>The load averages over 1, 5 and 15 minutes.</summary>
    Load,

    /// <summary>Memory in all and to be had, in KiB, and the share that is used.</summary>
    Memory,
}

/// <summary>Reads measurements from /proc.</summary>
internal static class MachineMeasures
{
    /// <summary>Measures.</summary>
    /// <exception cref="CommandFailure">This machine does not say.</exception>
    public static MeshValue Take(MachineMeasure measure)
    {
        try
        {
            return measure == MachineMeasure.Load ? ReadLoad(File.ReadAllText("/proc/loadavg")) : ReadMemory(File.ReadAllLines("/proc/meminfo"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException or InvalidOperationException)
        {
            throw new CommandFailure(ExitCode.MissingRequirement, $"This machine does not tell its {Word.NameOf(measure)} in /proc: {exception.Message}");
        }
    }

    // 0.42 0.40 0.38 2/711 12345
    private static MeshValue ReadLoad(string text)
    {
        var fields = text.Split(' ');
        return MeshValue.Map(("load1", Number(fields[0])), ("load5", Number(fields[1])), ("load15", Number(fields[2])));
    }

    // MemTotal:       16384000 kB
    private static MeshValue ReadMemory(string[] lines)
    {
        var total = KibibytesOf("MemTotal:");
        var available = KibibytesOf("MemAvailable:");
        return MeshValue.Map(("totalKiB", total), ("availableKiB", available), ("usedPercent", Math.Round(100.0 * (total - available) / total, 1)));

        long KibibytesOf(string label) =>
            long.Parse(lines.First(line => line.StartsWith(label, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
