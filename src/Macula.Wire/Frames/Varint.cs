using System.Buffers;
using System.Numerics;

namespace Macula.Wire.Frames;

/// <summary>The variable-length integers of QUIC (RFC 9000 §16), in their shortest form only (docs/protocol/00-conventions.md [VAR-1]).</summary>
// 2 bits: log2 of the length in bytes | 6, 14, 30 or 62 bits: the number, most significant byte first
public static class Varint
{
    /// <summary>The greatest number that can be written: 2^62 - 1.</summary>
    public const ulong MaxValue = (1UL << 62) - 1;

    /// <summary>Most bytes that a number takes.</summary>
    public const int MaxBytes = 8;

    /// <summary>How many bytes a number takes: 1, 2, 4 or 8.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is greater than <see cref="MaxValue"/>.</exception>
    public static int GetByteCount(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        return 1 << LogOfByteCount(value);
    }

    /// <summary>Reads a number from the start of <paramref name="source"/>.</summary>
    /// <param name="source">Bytes as they came; more than the number's may be there.</param>
    /// <param name="value">The number; 0 unless the answer is <see cref="OperationStatus.Done"/>.</param>
    /// <param name="bytesRead">Bytes that it takes; 0 unless the answer is <see cref="OperationStatus.Done"/>.</param>
    /// <returns>Done, NeedMoreData, or InvalidData for a number in a longer form than it needs.</returns>
    public static OperationStatus Read(ReadOnlySpan<byte> source, out ulong value, out int bytesRead)
    {
        value = 0;
        bytesRead = 0;
        if (source.IsEmpty)
        {
            return OperationStatus.NeedMoreData;
        }

        var log = source[0] >> 6;
        var byteCount = 1 << log;
        if (source.Length < byteCount)
        {
            return OperationStatus.NeedMoreData;
        }

        var number = source[0] & 0x3fUL;
        for (var index = 1; index < byteCount; index++)
        {
            number = (number << 8) | source[index];
        }

        // RFC 9000 §16 allows longer forms; a second spelling of the same frame would only serve to smuggle.
        if (LogOfByteCount(number) != log)
        {
            return OperationStatus.InvalidData;
        }

        value = number;
        bytesRead = byteCount;
        return OperationStatus.Done;
    }

    /// <summary>Writes a number at the start of <paramref name="destination"/>.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is greater than <see cref="MaxValue"/>.</exception>
    /// <exception cref="ArgumentException">There is no room for it.</exception>
    public static int Write(Span<byte> destination, ulong value)
    {
        var byteCount = GetByteCount(value);
        if (destination.Length < byteCount)
        {
            throw new ArgumentException($"The number takes {byteCount} bytes; there is room for {destination.Length}.", nameof(destination));
        }

        var rest = value;
        for (var index = byteCount - 1; index >= 0; index--)
        {
            destination[index] = (byte)rest;
            rest >>= 8;
        }

        destination[0] |= (byte)(LogOfByteCount(value) << 6);
        return byteCount;
    }

    private static int LogOfByteCount(ulong value) => (64 - BitOperations.LeadingZeroCount(value)) switch
    {
        <= 6 => 0,
        <= 14 => 1,
        <= 30 => 2,
        _ => 3,
    };
}
