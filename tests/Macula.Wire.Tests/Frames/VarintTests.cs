using System.Buffers;
using Macula.Wire.Frames;
using Macula.Wire.Tests.Vectors;

namespace Macula.Wire.Tests.Frames;

/// <summary>[VAR-1]: QUIC's variable-length integers, shortest form only. The vectors hold the examples of RFC 9000 §A.1.</summary>
public sealed class VarintTests
{
    [Fact]
    public void VectorsReadAndWriteBothWays()
    {
        Assert.NotEmpty(VectorFile.Varints);
        foreach (var (bytes, number) in VectorFile.Varints)
        {
            Assert.Equal(OperationStatus.Done, Varint.Read([.. bytes, 0xff], out var value, out var bytesRead));
            Assert.Equal(number, value);
            Assert.Equal(bytes.Length, bytesRead);
            Assert.Equal(bytes.Length, Varint.GetByteCount(number));

            var written = new byte[Varint.MaxBytes];
            Assert.Equal(bytes, written[..Varint.Write(written, number)]);
        }
    }

    [Fact]
    public void EveryPrefixOfAVarintNeedsMore()
    {
        foreach (var (bytes, _) in VectorFile.Varints)
        {
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Equal(OperationStatus.NeedMoreData, Varint.Read(bytes.AsSpan(0, length), out _, out _));
            }
        }
    }

    [Fact]
    public void LongerFormThanNeededIsRefused()
    {
        Assert.NotEmpty(VectorFile.OverlongVarints);
        foreach (var bytes in VectorFile.OverlongVarints)
        {
            Assert.Equal(OperationStatus.InvalidData, Varint.Read(bytes, out _, out _));
        }
    }

    [Fact]
    public void NumberBeyond62BitsIsTheCallersFault()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Varint.GetByteCount(Varint.MaxValue + 1));
        Assert.Throws<ArgumentException>(() => Varint.Write(new byte[3], 16384));
    }
}
