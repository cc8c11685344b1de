namespace Macula.Wire.MessagePack;

/// <summary>What a reader accepts from a stranger; all of it is looked at before anything is allocated.</summary>
public sealed record MessagePackLimits
{
    /// <summary>The greatest <see cref="MaxDepth"/> there is, and the default: 32.</summary>
    // Real payloads nest about ten deep; recursion of this depth takes a few KiB of stack.
    public const int DepthCeiling = 32;

    /// <summary>The greatest <see cref="MaxElements"/> there is, and the default: 131,072.</summary>
    // An element of one byte may take some 56 bytes of memory once decoded; this keeps a decoded value below about 8 MiB.
    public const int ElementCeiling = 128 * 1024;

    /// <summary>The limits that hold where nothing else is said.</summary>
    public static MessagePackLimits Default { get; } = new();

    /// <summary>Most containers that may enclose each other. Default 32; range 0 (scalars only) to 32.</summary>
    public int MaxDepth
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, DepthCeiling);
            field = value;
        }
    } = DepthCeiling;

    /// <summary>Most values inside all containers together, a map's keys included. Default 131,072; range 0 to 131,072.</summary>
    /// <remarks>Who has more numbers to send than this sends them as raw bytes.</remarks>
    public int MaxElements
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, ElementCeiling);
            field = value;
        }
    } = ElementCeiling;

    /// <summary>Most bytes that the whole encoding may have. Default 1 MiB; at least 1.</summary>
    public int MaxBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 1024 * 1024;
}
