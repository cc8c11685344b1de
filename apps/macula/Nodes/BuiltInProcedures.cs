using Macula.Cli.Commands;
using Macula.Rpc;
using Macula.Wire.Errors;
using Macula.Wire.Frames;
using Macula.Wire.MessagePack;

namespace Macula.Cli.Nodes;

/// <summary>Procedures that <c>macula serve</c> provides, to try a mesh with.</summary>
internal static class BuiltInProcedures
{
    /// <summary>All of them, by name.</summary>
    public static IReadOnlyDictionary<string, CallHandler> All { get; } = new SortedDictionary<string, CallHandler>(StringComparer.Ordinal)
    {
        ["echo"] = static (call, _) => ValueTask.FromResult(call.Argument),
        ["math.add"] = static (call, _) => ValueTask.FromResult(Payload.FromValue(Add(call.Argument.ToValue()))),
        ["time.now"] = static (_, _) => ValueTask.FromResult(Payload.FromValue(SystemTime.Now.ToDateTimeOffset().ToString("O", null))),
        ["time.wait"] = static async (call, cancellationToken) =>
        {
            await Task.Delay(TimeToWait(call.Argument.ToValue()), cancellationToken);
            return call.Argument;
        },
    };

    /// <summary>Has a node provide some of them.</summary>
    /// <exception cref="MaculaException">The realm's policy does not let the node advertise one.</exception>
    public static async Task<List<Advertisement>> AdvertiseAsync(MaculaPeer peer, IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        var advertisements = new List<Advertisement>(names.Count);
        foreach (var name in names)
        {
            advertisements.Add(await peer.AdvertiseAsync(name, All[name], cancellationToken));
        }

        return advertisements;
    }

    /// <summary>The names that were given, each once.</summary>
    /// <exception cref="CommandFailure">One is none of theirs.</exception>
    public static string[] Demand(string[] names) =>
        names.FirstOrDefault(name => !All.ContainsKey(name)) is { } unknown
            ? throw new CommandFailure(ExitCode.Usage, $"{Word.Quote(unknown)} is no built-in procedure; there are {string.Join(", ", All.Keys)}.")
            : [.. names.Distinct(StringComparer.Ordinal)];

    // Long enough to try any deadline by hand, and no reason to hold a node's memory for a day.
    private const double MostSecondsToWait = 600;

    private static TimeSpan TimeToWait(MeshValue argument) =>
        argument.Kind is MessagePackKind.Integer or MessagePackKind.Float && argument.AsDouble() is >= 0 and <= MostSecondsToWait
            ? TimeSpan.FromSeconds(argument.AsDouble())
            : throw new MaculaException(ErrorCode.InvalidArgument, $"time.wait takes a number of seconds, 0 to {MostSecondsToWait}.");

    private static MeshValue Add(MeshValue argument)
    {
        if (argument.Kind != MessagePackKind.Map || !argument.TryGet("a", out var a) || !argument.TryGet("b", out var b))
        {
            throw new MaculaException(ErrorCode.InvalidArgument, """math.add takes a map with the numbers a and b, such as {"a":5,"b":3}.""");
        }

        try
        {
            // Whole numbers stay whole: a sum that became a float would lose digits beyond 2^53.
            return a.Kind == MessagePackKind.Integer && b.Kind == MessagePackKind.Integer
                ? (MeshValue)checked(a.AsInt64() + b.AsInt64())
                : (MeshValue)(a.AsDouble() + b.AsDouble());
        }
        catch (OverflowException)
        {
            throw new MaculaException(ErrorCode.InvalidArgument, "The sum of a and b does not fit 64 bits.");
        }
    }
}
