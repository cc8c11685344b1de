using Macula.Wire.Time;

namespace Macula.Cli.Nodes;

/// <summary>The system's clock, for what happens before a node has one of its own.</summary>
internal static class SystemTime
{
    /// <summary>The present.</summary>
    public static WallTime Now => WallTime.From(TimeProvider.System.GetUtcNow());
}
