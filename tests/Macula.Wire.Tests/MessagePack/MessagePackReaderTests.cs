using System.Buffers;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Tests.MessagePack;

public sealed class MessagePackReaderTests
{
    // [MSG-7], [MSG-8]: what a few bytes promise is refused before anything is allocated for it.
    [Theory]
    [InlineData("ddffffffff0000000000")]
    [InlineData("dfffffffff0000000000")]
    [InlineData("dbffffffff0000000000")]
    [InlineData("c6ffffffff0000000000")]
    [InlineData("c9ffffffff0000000000")]
    public void BombCostsAlmostNoMemory(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        MeshValue.TryDecode(bytes, null, out _, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(MeshValue.TryDecode(bytes, null, out _, out _));
        var reader = new MessagePackReader(bytes);
        Assert.False(reader.TrySkip());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024);
    }

    // [MSG-7]
    [Theory]
    [InlineData(0x91)]
    [InlineData(0x81)]
    [InlineData(0xdc)]
    public void Nesting100000DeepIsRefusedWithoutRecursion(byte opening)
    {
        byte[] level = opening switch
        {
            0x81 => [0x81, 0xa0],
            0xdc => [0xdc, 0x00, 0x01],
            _ => [0x91],
        };
        byte[] bytes = [.. Enumerable.Repeat(level, 100_000).SelectMany(piece => piece), 0xc0];
        MeshValue.TryDecode(bytes, null, out _, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(MeshValue.TryDecode(bytes, null, out _, out var error));
        Assert.Equal("MSG-7", error.Requirement);
        var reader = new MessagePackReader(bytes);
        Assert.False(reader.TrySkip());
        Assert.Equal("MSG-7", reader.Error?.Requirement);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * 1024);
    }

    // [MSG-8]: one length for all levels would be allocated 32 times over if each level were looked at alone.
    [Fact]
    public void NestedPromisesTogetherCostNoMoreThanTheBytesThatCame()
    {
        var bytes = new byte[64 * 1024];
        for (var level = 0; level < 31; level++)
        {
            bytes[3 * level] = 0xdc;
            bytes[(3 * level) + 1] = 0xf0;
        }

        MeshValue.TryDecode(bytes, null, out _, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(MeshValue.TryDecode(bytes, null, out _, out var error));
        Assert.Equal("MSG-8", error.Requirement);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * bytes.Length + 1024);
    }

    // [MSG-9]
    [Fact]
    public void LimitsAreTheCallersChoice()
    {
        Assert.False(MeshValue.TryDecode([0x91, 0xc0], new MessagePackLimits { MaxDepth = 0 }, out _, out var error));
        Assert.Equal("MSG-7", error.Requirement);
        Assert.False(MeshValue.TryDecode([0x92, 0xc0, 0xc0], new MessagePackLimits { MaxElements = 1 }, out _, out error));
        Assert.Equal(("MSG-9", ErrorCode.FrameTooLarge), (error.Requirement, error.Code));
        Assert.False(MeshValue.TryDecode([0xcc, 0xff], new MessagePackLimits { MaxBytes = 1 }, out _, out error));
        Assert.Equal(("MSG-9", ErrorCode.FrameTooLarge), (error.Requirement, error.Code));
        Assert.True(MeshValue.TryDecode([0x92, 0xc0, 0xc0], new MessagePackLimits { MaxDepth = 1, MaxElements = 2, MaxBytes = 3 }, out _, out _));

        Assert.Throws<ArgumentOutOfRangeException>(() => new MessagePackLimits { MaxDepth = 33 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MessagePackLimits { MaxElements = MessagePackLimits.ElementCeiling + 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new MessagePackLimits { MaxBytes = 0 });
    }

    // [MSG-9]
    [Fact]
    public void AMillionElementsAreMoreThanTheLimit()
    {
        byte[] bytes = [0xdd, 0x00, 0x0f, 0x00, 0x00, .. new byte[0xf0000]];
        Assert.False(MeshValue.TryDecode(bytes, null, out _, out var error));
        Assert.Equal("MSG-9", error.Requirement);
    }

    // [MSG-9]: what the limit of elements promises about memory, for the shapes that cost most.
    [Theory]
    [InlineData("91c0", 65_536)]
    [InlineData("81a0c0", 43_690)]
    [InlineData("90", 131_072)]
    [InlineData("a161", 131_072)]
    [InlineData("c40100", 131_072)]
    public void LargestValueThereIsTakesLessThan8MiBOnceDecoded(string elementHex, int count)
    {
        byte[] bytes = [0xdd, (byte)(count >> 24), (byte)(count >> 16), (byte)(count >> 8), (byte)count, .. Enumerable.Repeat(Convert.FromHexString(elementHex), count).SelectMany(element => element)];

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(MeshValue.TryDecode(bytes, null, out _, out var error), error.ToString());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 8 * 1024 * 1024);
    }

    [Fact]
    public void ReadingScalarsAllocatesNothing()
    {
        var bytes = Convert.FromHexString("9ac0c305d1fff6cf8000000000000000ca3fc00000cb3ff8000000000000a3616263c40301020381a16101");
        Assert.True(ReadScalars(bytes));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var read = ReadScalars(bytes);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(read);
    }

    [Fact]
    public void FirstErrorStaysWhateverIsReadAfterIt()
    {
        var reader = new MessagePackReader([0xc1, 0x05]);
        Assert.False(reader.TryReadNil());
        var first = reader.Error;
        Assert.Equal("MSG-2", first?.Requirement);

        Assert.False(reader.TryReadInt64(out _));
        Assert.False(reader.TryReadUtf8(9, out _));
        Assert.False(reader.TryEnterMap(out _));
        Assert.False(reader.TrySkip());
        Assert.False(reader.TryPeek(out _));
        Assert.False(reader.TryEnd());
        Assert.Equal(first, reader.Error);
        Assert.Equal(0, reader.Consumed);
    }

    // [MSG-4]
    [Fact]
    public void IntegerThatDoesNotFitItsFieldIsRefused()
    {
        var above = new MessagePackReader(Convert.FromHexString("cf8000000000000000"));
        Assert.False(above.TryReadInt64(out _));
        Assert.Equal("MSG-4", above.Error?.Requirement);

        var negative = new MessagePackReader([0xff]);
        Assert.False(negative.TryReadUInt64(out _));
        Assert.Equal("MSG-4", negative.Error?.Requirement);

        var wide = new MessagePackReader(Convert.FromHexString("cf0000000100000000"));
        Assert.False(wide.TryReadUInt32(out _));
        Assert.Equal("MSG-4", wide.Error?.Requirement);
    }

    // [MSG-9]
    [Fact]
    public void FieldLongerThanItsLimitIsRefusedBeforeItIsCopied()
    {
        byte[] longText = [0xda, 0x10, 0x00, .. new byte[4096]];
        byte[] longBinary = [0xc5, 0x10, 0x00, .. new byte[4096]];
        ReadBoth(longText, longBinary, 4095);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var (text, binary) = ReadBoth(longText, longBinary, 4095);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024);
        Assert.Equal(("MSG-9", "MSG-9"), (text?.Requirement, binary?.Requirement));
        Assert.Equal((null, null), ReadBoth(longText, longBinary, 4096));

        static (ProtocolError? Text, ProtocolError? Binary) ReadBoth(byte[] text, byte[] binary, int maxBytes)
        {
            var textReader = new MessagePackReader(text);
            textReader.TryReadString(maxBytes, out _);
            var binaryReader = new MessagePackReader(binary);
            binaryReader.TryReadBinary(maxBytes, out _);
            return (textReader.Error, binaryReader.Error);
        }
    }

    // [MSG-5], [MSG-11]: skipping looks at structure alone.
    [Fact]
    public void SkipPassesOverExtensionsAndUncheckedText()
    {
        foreach (var hex in new[] { "d405ff", "d80500000000000000000000000000000000", "c70305010203", "c8000105ff", "c90000000005", "a2c328", "92d6ff00000000a0" })
        {
            var reader = new MessagePackReader(Convert.FromHexString(hex));
            Assert.True(reader.TrySkip());
            Assert.True(reader.TryEnd());
        }
    }

    [Fact]
    public void WriterThrowsOnHalfASurrogatePairAndWritesNothingOfIt()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.ThrowsAny<ArgumentException>(() => new MessagePackWriter(output).WriteString("a\ud800"));
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void WriterWritesFloatsOf32Bits()
    {
        var output = new ArrayBufferWriter<byte>();
        new MessagePackWriter(output).WriteFloat(1.5f);
        Assert.Equal("ca3fc00000", Convert.ToHexStringLower(output.WrittenSpan));
    }

    private static bool ReadScalars(ReadOnlySpan<byte> bytes)
    {
        var reader = new MessagePackReader(bytes);
        return reader.TryEnterArray(out var count) && count == 10
            && reader.TryReadNil()
            && reader.TryReadBoolean(out var truth) && truth
            && reader.TryReadUInt32(out var five) && five == 5
            && reader.TryReadInt64(out var minusTen) && minusTen == -10
            && reader.TryReadUInt64(out var large) && large == 1UL << 63
            && reader.TryReadDouble(out var narrow) && narrow == 1.5
            && reader.TryReadDouble(out var number) && number == 1.5
            && reader.TryReadUtf8(3, out var text) && text.SequenceEqual("abc"u8)
            && reader.TryReadBinary(3, out var binary) && binary.Length == 3
            && reader.TrySkip()
            && reader.TryEnd();
    }
}
