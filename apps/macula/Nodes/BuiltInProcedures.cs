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
    };

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
