using Macula.Testing.VirtualTime;

namespace Macula.Transport.Tests.VirtualTime;

public sealed class SeededRandomSourceTests
{
    [Fact]
    public void SequenceIsThatOfXoshiro256StarStarSeededBySplitMix64()
    {
        // Computed by an independent implementation of the published algorithms.
        var source = new SeededRandomSource(0);
        Assert.Equal([0x99EC5F36CB75F2B4UL, 0xBF6E1F784956452AUL, 0x1A5F849D4933E6E0UL, 0x6AA594F1262D2D2CUL], Enumerable.Range(0, 4).Select(_ => source.NextUInt64()));
        source = new SeededRandomSource(42);
        Assert.Equal([0x15780B2E0C2EC716UL, 0x6104D9866D113A7EUL, 0xAE17533239E499A1UL, 0xECB8AD4703B360A1UL], Enumerable.Range(0, 4).Select(_ => source.NextUInt64()));
    }

    [Fact]
    public void BytesAreTheSameHoweverTheyAreAskedFor()
    {
        var whole = new byte[32];
        new SeededRandomSource(9).Fill(whole);
        var source = new SeededRandomSource(9);
        var pieces = new byte[32];
        source.Fill(pieces.AsSpan(0, 8));
        source.Fill(pieces.AsSpan(8, 16));
        source.Fill(pieces.AsSpan(24, 8));
        Assert.Equal(whole, pieces);
        var part = new byte[5];
        new SeededRandomSource(9).Fill(part);
        Assert.Equal(whole[..5], part);
    }

    [Fact]
    public void ForkDoesNotDependOnWhatWasDrawnBefore()
    {
        var fresh = new SeededRandomSource(3).Fork("links").NextUInt64();
        var used = new SeededRandomSource(3);
        used.Fill(new byte[1000]);
        Assert.Equal(fresh, used.Fork("links").NextUInt64());
    }

    [Fact]
    public void EveryPurposeAndSeedHasItsOwnSequence()
    {
        var first = new HashSet<ulong>();
        for (ulong seed = 0; seed < 100; seed++)
        {
            var source = new SeededRandomSource(seed);
            Assert.True(first.Add(source.NextUInt64()));
            for (var number = 0; number < 100; number++)
            {
                Assert.True(first.Add(source.Fork($"node {number}").NextUInt64()));
            }
        }
    }

    [Fact]
    public void NumbersAreSpreadEvenly()
    {
        var source = new SeededRandomSource(1);
        var counts = new int[10];
        for (var draw = 0; draw < 100_000; draw++)
        {
            counts[source.Next(10)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }
}
