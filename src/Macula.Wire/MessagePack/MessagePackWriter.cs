using System.Buffers;
using System.Buffers.Binary;

namespace Macula.Wire.MessagePack;

/// <summary>Writes MessagePack, every value in its shortest form (docs/protocol/00-conventions.md [MSG-4]).</summary>
/// <remarks>Whoever writes a container's header writes that many elements after it; the writer does not count.</remarks>
public readonly ref struct MessagePackWriter
{
    // A code and a number of 64 bits.
    private const int MaxScalarBytes = 9;

    private readonly IBufferWriter<byte> _output;

    /// <summary>Writes at the end of <paramref name="output"/>.</summary>
    public MessagePackWriter(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
    }

    /// <summary>Writes nil: 1 byte.</summary>
    public void WriteNil() => WriteCode(Format.Nil);

    /// <summary>Writes true or false: 1 byte.</summary>
    public void WriteBoolean(bool value) => WriteCode(value ? Format.True : Format.False);

    /// <summary>Writes an integer: 1, 2, 3, 5 or 9 bytes.</summary>
    public void WriteInteger(long value)
    {
        if (value >= 0)
        {
            WriteInteger((ulong)value);
        }
        else if (value >= -32)
        {
            WriteCode((byte)value);
        }
        else
        {
            var log = value >= sbyte.MinValue ? 0 : value >= short.MinValue ? 1 : value >= int.MinValue ? 2 : 3;
            WriteNumber((byte)(Format.Int8 + log), (ulong)value, 1 << log);
        }
    }

    /// <summary>Writes an integer: 1, 2, 3, 5 or 9 bytes.</summary>
    public void WriteInteger(ulong value)
    {
        if (value < Format.FixMap)
        {
            WriteCode((byte)value);
        }
        else
        {
            var log = value <= byte.MaxValue ? 0 : value <= ushort.MaxValue ? 1 : value <= uint.MaxValue ? 2 : 3;
            WriteNumber((byte)(Format.UInt8 + log), value, 1 << log);
        }
    }

    /// <summary>Writes a float of 32 bits: 5 bytes.</summary>
    public void WriteFloat(float value) => WriteNumber(Format.Float32, BitConverter.SingleToUInt32Bits(value), sizeof(float));

    /// <summary>Writes a float of 64 bits: 9 bytes.</summary>
    public void WriteFloat(double value) => WriteNumber(Format.Float64, BitConverter.DoubleToUInt64Bits(value), sizeof(double));

    /// <summary>Writes text as UTF-8, behind 1, 2, 3 or 5 bytes that give its length.</summary>
    /// <exception cref="ArgumentException">The text holds half of a surrogate pair, which UTF-8 cannot say.</exception>
    public void WriteString(ReadOnlySpan<char> text)
    {
        var byteCount = StrictUtf8.Encoding.GetByteCount(text);
        WriteStringHeader(byteCount);
        var written = StrictUtf8.Encoding.GetBytes(text, _output.GetSpan(byteCount));
        _output.Advance(written);
    }

    /// <summary>Writes bytes, behind 2, 3 or 5 that give their number.</summary>
    public void WriteBinary(ReadOnlySpan<byte> bytes)
    {
        var log = bytes.Length <= byte.MaxValue ? 0 : bytes.Length <= ushort.MaxValue ? 1 : 2;
        WriteNumber((byte)(Format.Binary8 + log), (uint)bytes.Length, 1 << log);
        _output.Write(bytes);
    }

    /// <summary>Begins an array of that many elements.</summary>
    public void WriteArrayHeader(int count) => WriteContainerHeader(Format.FixArray, Format.Array16, count);

    /// <summary>Begins a map of that many entries, each a key followed by its value.</summary>
    public void WriteMapHeader(int count) => WriteContainerHeader(Format.FixMap, Format.Map16, count);

    private void WriteStringHeader(int byteCount)
    {
        if (byteCount < 32)
        {
            WriteCode((byte)(Format.FixString | byteCount));
        }
        else
        {
            var log = byteCount <= byte.MaxValue ? 0 : byteCount <= ushort.MaxValue ? 1 : 2;
            WriteNumber((byte)(Format.String8 + log), (uint)byteCount, 1 << log);
        }
    }

    private void WriteContainerHeader(byte shortCode, byte longCode, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count < 16)
        {
            WriteCode((byte)(shortCode | count));
        }
        else
        {
            var log = count <= ushort.MaxValue ? 0 : 1;
            WriteNumber((byte)(longCode + log), (uint)count, 2 << log);
        }
    }

    private void WriteCode(byte code)
    {
        _output.GetSpan(1)[0] = code;
        _output.Advance(1);
    }

    private void WriteNumber(byte code, ulong bits, int width)
    {
        var span = _output.GetSpan(MaxScalarBytes);
        span[0] = code;
        // The number is moved to the top of 64 bits, so that one write fits every width.
        BinaryPrimitives.WriteUInt64BigEndian(span[1..], bits << (64 - (8 * width)));
        _output.Advance(1 + width);
    }
}
