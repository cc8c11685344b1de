using System.Buffers.Binary;
using Macula.Wire;

namespace Macula.Identity.Tests.Support;

/// <summary>SplitMix64: the same bytes for the same seed.</summary>
public sealed class SeededRandom(ulong seed) : RandomSource
{
    private ulong _state = seed;

    public override void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (!destination.IsEmpty)
        {
            _state += 0x9E3779B97F4A7C15;
            var mixed = _state;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(word, mixed ^ (mixed >> 31));
            var count = Math.Min(word.Length, destination.Length);
            word[..count].CopyTo(destination);
            destination = destination[count..];
        }
    }
}
