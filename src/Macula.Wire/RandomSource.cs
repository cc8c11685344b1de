using System.Buffers.Binary;

namespace Macula.Wire;

/// <summary>Where a node's randomness comes from: the operating system in production, a seed in simulation.</summary>
/// <remarks>Implementations say whether they may be called from several threads; the operating system's may.</remarks>
public abstract class RandomSource
{
    /// <summary>Fills the span with random bytes.</summary>
    public abstract void Fill(Span<byte> destination);

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>A number from 0 to <paramref name="exclusiveMaximum"/> - 1, each equally likely.</summary>
    /// <param name="exclusiveMaximum">At least 1.</param>
    public int Next(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exclusiveMaximum, 1);
        // Lemire 2019: the high word of a 64 x 32 bit product; the bias is below 2^-32 and no branch depends on the draw.
        return (int)Math.BigMul(NextUInt64(), (ulong)exclusiveMaximum, out _);
    }

    /// <summary>A number from 0 (included) to 1 (excluded), in steps of 2^-53.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));
}
