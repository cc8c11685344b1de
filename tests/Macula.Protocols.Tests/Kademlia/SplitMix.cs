using System.Buffers.Binary;
using Macula.Wire;

namespace Macula.Protocols.Tests.Kademlia;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): the same sequence for the same seed.</summary>
internal sealed class SplitMix(ulong seed) : RandomSource
{
    private ulong _state = seed;

    public override void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        for (var rest = destination; !rest.IsEmpty; rest = rest[Math.Min(rest.Length, word.Length)..])
        {
            _state += 0x9e3779b97f4a7c15;
            var bits = (_state ^ (_state >> 30)) * 0xbf58476d1ce4e5b9;
            bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
            BinaryPrimitives.WriteUInt64LittleEndian(word, bits ^ (bits >> 31));
            word[..Math.Min(rest.Length, word.Length)].CopyTo(rest);
        }
    }
}
