using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Macula.Wire;

namespace Macula.Testing.VirtualTime;

/// <summary>Randomness that follows from a seed: the same bytes in every process, on every machine. Not fit for secrets.</summary>
/// <remarks>
/// The generator is xoshiro256** seeded by SplitMix64 (Blackman &amp; Vigna 2021, "Scrambled linear pseudorandom number generators", §§ 4, 7).
/// It belongs to one thread. Give every node and every purpose a <see cref="Fork"/> of its own: what one draws does not shift what another gets.
/// </remarks>
public sealed class SeededRandomSource : RandomSource
{
    // SplitMix64: the odd integer nearest to 2^64 divided by the golden ratio.
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    private readonly ulong _seed;
    private ulong _state0;
    private ulong _state1;
    private ulong _state2;
    private ulong _state3;

    /// <summary>Starts the sequence of a seed; any number is as good as any other.</summary>
    public SeededRandomSource(ulong seed)
    {
        _seed = seed;
        var counter = seed;
        _state0 = NextOfSplitMix(ref counter);
        _state1 = NextOfSplitMix(ref counter);
        _state2 = NextOfSplitMix(ref counter);
        _state3 = NextOfSplitMix(ref counter);
    }

    /// <summary>A source of its own for a purpose, such as a node's name.</summary>
    /// <param name="purpose">The same purpose gives the same sequence, however much was drawn from this source; each other purpose gives another.</param>
    public SeededRandomSource Fork(string purpose)
    {
        ArgumentNullException.ThrowIfNull(purpose);

        // FNV-1a (draft-eastlake-fnv) spreads the name over 64 bits; SplitMix64 then separates names that differ in one bit.
        var hash = 14695981039346656037UL ^ _seed;
        foreach (var unit in Encoding.UTF8.GetBytes(purpose))
        {
            hash = (hash ^ unit) * 1099511628211UL;
        }

        return new SeededRandomSource(NextOfSplitMix(ref hash));
    }

    /// <inheritdoc/>
    /// <remarks>Costs one step of the generator for every 8 bytes, begun ones included.</remarks>
    public override void Fill(Span<byte> destination)
    {
        while (destination.Length >= sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, Step());
            destination = destination[sizeof(ulong)..];
        }

        if (!destination.IsEmpty)
        {
            Span<byte> last = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(last, Step());
            last[..destination.Length].CopyTo(destination);
        }
    }

    private static ulong NextOfSplitMix(ref ulong counter)
    {
        counter += GoldenGamma;
        var mixed = counter;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    private ulong Step()
    {
        var result = BitOperations.RotateLeft(_state1 * 5, 7) * 9;
        var shifted = _state1 << 17;
        _state2 ^= _state0;
        _state3 ^= _state1;
        _state1 ^= _state2;
        _state0 ^= _state3;
        _state2 ^= shifted;
        _state3 = BitOperations.RotateLeft(_state3, 45);
        return result;
    }
}
