using System.Buffers.Binary;

namespace Macula.Wire.Tests.Fuzzing;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): the same sequence for the same seed, on every platform and runtime.</summary>
internal sealed class SeededRandom(ulong seed) : RandomSource
{
    private ulong _state = seed;

    /// <inheritdoc/>
    public override void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (!destination.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, NextWord());
            var count = Math.Min(destination.Length, word.Length);
            word[..count].CopyTo(destination);
            destination = destination[count..];
        }
    }

    private ulong NextWord()
    {
        _state += 0x9e3779b97f4a7c15;
        var word = _state;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
        word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
        return word ^ (word >> 31);
    }
}
