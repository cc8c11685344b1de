using Macula.Wire.Identifiers;

namespace Macula.Protocols.Tests;

/// <summary>Node ids that a test can tell apart and order.</summary>
internal static class NodeIds
{
    /// <summary>The id whose value is this number.</summary>
    public static NodeId Numbered(byte number)
    {
        var bytes = new byte[NodeId.ByteCount];
        bytes[^1] = number;
        return NodeId.Read(bytes);
    }
}
