using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using Macula.Wire.Errors;

namespace Macula.Wire.MessagePack;

/// <summary>Reads MessagePack from bytes that a stranger may have written. It never throws on them and allocates nothing but the strings asked for.</summary>
/// <remarks>
/// Every method answers false when the bytes are wrong; from then on all do, and <see cref="Error"/> says why. So a sequence of reads
/// may be joined by <c>&amp;&amp;</c> and looked at once (docs/protocol/00-conventions.md [MSG-1] to [MSG-11]).
/// </remarks>
public ref struct MessagePackReader
{
    private readonly ReadOnlySpan<byte> _source;
    private readonly int _maxDepth;
    private readonly ProtocolError _elementsFault;
    private int _depth;
    private int _elementsLeft;
    private bool _failed;

    /// <summary>Reads from the first byte, under <see cref="MessagePackLimits.Default"/>.</summary>
    public MessagePackReader(ReadOnlySpan<byte> source)
        : this(source, MessagePackLimits.Default)
    {
    }

    /// <summary>Reads from the first byte, under limits. Bytes beyond <see cref="MessagePackLimits.MaxBytes"/> fail the first read.</summary>
    public MessagePackReader(ReadOnlySpan<byte> source, MessagePackLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        _source = source;
        _maxDepth = limits.MaxDepth;
        // [MSG-8]: an element takes at least one byte, so containers that nest cannot promise more elements together than there are bytes.
        _elementsLeft = Math.Min(limits.MaxElements, source.Length);
        _elementsFault = limits.MaxElements < source.Length ? MessagePackFault.TooManyElements : MessagePackFault.CountBeyondEnd;
        if (source.Length > limits.MaxBytes)
        {
            Fail(MessagePackFault.TooManyBytes);
        }
    }

    /// <summary>Why reading failed; null while it has not.</summary>
    public ProtocolError? Error { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public int Consumed { get; private set; }

    private readonly int Remaining => _source.Length - Consumed;

    /// <summary>Says what the next value is, without reading it.</summary>
    public bool TryPeek(out MessagePackKind kind)
    {
        kind = default;
        if (_failed)
        {
            return false;
        }

        if (Remaining == 0)
        {
            return Fail(MessagePackFault.Truncated);
        }

        var code = _source[Consumed];
        if (code == Format.Never)
        {
            return Fail(MessagePackFault.Reserved);
        }

        kind = Format.KindOf(code);
        return true;
    }

    /// <summary>Reads a nil, which is one byte and stands for no value.</summary>
    public bool TryReadNil() => TryTakeCode(MessagePackKind.Nil, out _);

    /// <summary>Reads true or false.</summary>
    public bool TryReadBoolean(out bool value)
    {
        var taken = TryTakeCode(MessagePackKind.Boolean, out var code);
        value = taken && code == Format.True;
        return taken;
    }

    /// <summary>Reads an integer of any encoded width that lies from -2^63 to 2^63 - 1.</summary>
    public bool TryReadInt64(out long value) =>
        TryReadInteger(out value, out var isAboveInt64) && (!isAboveInt64 || Fail(MessagePackFault.IntegerRange));

    /// <summary>Reads an integer of any encoded width that lies from 0 to 2^64 - 1.</summary>
    public bool TryReadUInt64(out ulong value)
    {
        var read = TryReadInteger(out var bits, out var isAboveInt64);
        value = (ulong)bits;
        return read && (bits >= 0 || isAboveInt64 || Fail(MessagePackFault.IntegerRange));
    }

    /// <summary>Reads an integer of any encoded width that lies from 0 to 2^32 - 1.</summary>
    public bool TryReadUInt32(out uint value)
    {
        var read = TryReadUInt64(out var wide);
        value = (uint)wide;
        return read && (wide <= uint.MaxValue || Fail(MessagePackFault.IntegerRange));
    }

    /// <summary>Reads a float of 32 bits, widened exactly, or of 64.</summary>
    public bool TryReadDouble(out double value)
    {
        value = 0;
        if (!TryTakeCode(MessagePackKind.Float, out var code))
        {
            return false;
        }

        if (code == Format.Float64)
        {
            var read = TryTakeNumber(sizeof(double), out var bits);
            value = BitConverter.UInt64BitsToDouble(bits);
            return read;
        }

        var readNarrow = TryTakeNumber(sizeof(float), out var narrowBits);
        value = BitConverter.UInt32BitsToSingle((uint)narrowBits);
        return readNarrow;
    }

    /// <summary>Reads a string into memory of its own.</summary>
    /// <param name="maxBytes">Most bytes of UTF-8 that the field may have; looked at before the string is made.</param>
    /// <param name="value">The text; null when reading failed.</param>
    public bool TryReadString(int maxBytes, [NotNullWhen(true)] out string? value)
    {
        value = TryReadUtf8(maxBytes, out var utf8) ? Encoding.UTF8.GetString(utf8) : null;
        return value is not null;
    }

    /// <summary>Reads a string as UTF-8, checked, that shares the source's memory.</summary>
    /// <param name="maxBytes">Most bytes that the field may have.</param>
    /// <param name="utf8">The text; empty when reading failed.</param>
    public bool TryReadUtf8(int maxBytes, out ReadOnlySpan<byte> utf8)
    {
        utf8 = default;
        if (!TryTakeCode(MessagePackKind.String, out var code) || !TryTakeLength(code, out var length) || !TryTake(length, out var text))
        {
            return false;
        }

        if (text.Length > maxBytes)
        {
            return Fail(MessagePackFault.StringTooLong);
        }

        // Unicode 15 §3.9 table 3-7: no overlong forms, no surrogates.
        if (!Utf8.IsValid(text))
        {
            return Fail(MessagePackFault.InvalidUtf8);
        }

        utf8 = text;
        return true;
    }

    /// <summary>Reads bytes that share the source's memory; they end at <see cref="Consumed"/>.</summary>
    /// <param name="maxBytes">Most bytes that the field may have.</param>
    /// <param name="bytes">The content; empty when reading failed.</param>
    public bool TryReadBinary(int maxBytes, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!TryTakeCode(MessagePackKind.Binary, out var code) || !TryTakeLength(code, out var length) || !TryTake(length, out var content))
        {
            return false;
        }

        if (content.Length > maxBytes)
        {
            return Fail(MessagePackFault.BinaryTooLong);
        }

        bytes = content;
        return true;
    }

    /// <summary>Enters an array. After its elements have been read, <see cref="Leave"/> it.</summary>
    /// <param name="count">Number of elements; as many bytes at least are left, so it is safe to allocate for.</param>
    public bool TryEnterArray(out int count) => TryEnter(MessagePackKind.Array, 1, out count);

    /// <summary>Enters a map. After its keys and values have been read, <see cref="Leave"/> it.</summary>
    /// <param name="count">Number of entries; twice as many bytes at least are left, so it is safe to allocate for.</param>
    public bool TryEnterMap(out int count) => TryEnter(MessagePackKind.Map, 2, out count);

    /// <summary>Leaves the container entered last.</summary>
    /// <exception cref="InvariantViolatedException">None has been entered.</exception>
    public void Leave()
    {
        Invariant.Hold(_depth > 0, "A container is left after it was entered.");
        _depth--;
    }

    /// <summary>Passes over the next value with all that it holds. Structure, depth and counts are checked; the text of strings is not.</summary>
    public bool TrySkip()
    {
        // Values still to come at each level that was opened here; no recursion, whatever the peer sent.
        Span<int> pending = stackalloc int[MessagePackLimits.DepthCeiling];
        var levels = 0;
        while (true)
        {
            if (!TryPeek(out var kind))
            {
                return false;
            }

            if (kind is MessagePackKind.Array or MessagePackKind.Map)
            {
                var perEntry = kind == MessagePackKind.Map ? 2 : 1;
                if (!TryEnter(kind, perEntry, out var count))
                {
                    return false;
                }

                pending[levels++] = count * perEntry;
            }
            else if (!TrySkipScalar(kind))
            {
                return false;
            }

            while (levels > 0 && pending[levels - 1] == 0)
            {
                Leave();
                levels--;
            }

            if (levels == 0)
            {
                return true;
            }

            pending[levels - 1]--;
        }
    }

    /// <summary>True when every byte has been read; bytes that follow the value are an error.</summary>
    public bool TryEnd() => !_failed && (Remaining == 0 || Fail(MessagePackFault.TrailingBytes));

    /// <summary>Fails the reader for a reason that its user found, such as a key that a map may not hold.</summary>
    /// <returns>False, so that it may be returned at once. The first failure stays.</returns>
    public bool Fail(ProtocolError error)
    {
        if (!_failed)
        {
            _failed = true;
            Error = error;
        }

        return false;
    }

    internal bool TryReadInteger(out long value, out bool isAboveInt64)
    {
        value = 0;
        isAboveInt64 = false;
        if (!TryTakeCode(MessagePackKind.Integer, out var code))
        {
            return false;
        }

        if (code is < Format.FixMap or >= Format.NegativeFixInt)
        {
            value = (sbyte)code;
            return true;
        }

        var isSigned = code >= Format.Int8;
        var width = 1 << (code - (isSigned ? Format.Int8 : Format.UInt8));
        if (!TryTakeNumber(width, out var bits))
        {
            return false;
        }

        // Moving the number to the top and back extends its sign.
        var unused = 64 - (8 * width);
        value = isSigned ? (long)(bits << unused) >> unused : (long)bits;
        isAboveInt64 = !isSigned && value < 0;
        return true;
    }

    private bool TryEnter(MessagePackKind kind, int perEntry, out int count)
    {
        count = 0;
        if (!TryTakeCode(kind, out var code) || !TryTakeLength(code, out var announced))
        {
            return false;
        }

        if (_depth >= _maxDepth)
        {
            return Fail(MessagePackFault.TooDeep);
        }

        var elements = (ulong)announced * (uint)perEntry;
        if (elements > (uint)Remaining)
        {
            return Fail(MessagePackFault.CountBeyondEnd);
        }

        if (elements > (uint)_elementsLeft)
        {
            return Fail(_elementsFault);
        }

        _elementsLeft -= (int)elements;
        _depth++;
        count = (int)announced;
        return true;
    }

    private bool TrySkipScalar(MessagePackKind kind)
    {
        if (!TryTakeCode(kind, out var code))
        {
            return false;
        }

        var fixedBytes = Format.FixedBytesAfter(code);
        return fixedBytes >= 0
            ? TryTake((uint)fixedBytes, out _)
            : TryTakeLength(code, out var length) && TryTake(length, out _) && (kind != MessagePackKind.Extension || TryTake(1, out _));
    }

    private bool TryTakeCode(MessagePackKind wanted, out byte code)
    {
        code = 0;
        if (!TryPeek(out var found))
        {
            return false;
        }

        if (found != wanted)
        {
            return Fail(MessagePackFault.WrongKind(wanted, found));
        }

        code = _source[Consumed++];
        return true;
    }

    private bool TryTakeLength(byte code, out uint length)
    {
        length = Format.FixedLength(code, out var width);
        if (width == 0)
        {
            return true;
        }

        var taken = TryTakeNumber(width, out var number);
        length = (uint)number;
        return taken;
    }

    private bool TryTakeNumber(int width, out ulong number)
    {
        number = 0;
        if (!TryTake((uint)width, out var bytes))
        {
            return false;
        }

        number = width switch
        {
            1 => bytes[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes),
            4 => BinaryPrimitives.ReadUInt32BigEndian(bytes),
            _ => BinaryPrimitives.ReadUInt64BigEndian(bytes),
        };
        return true;
    }

    private bool TryTake(uint count, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (_failed)
        {
            return false;
        }

        if (count > (uint)Remaining)
        {
            return Fail(MessagePackFault.Truncated);
        }

        bytes = _source.Slice(Consumed, (int)count);
        Consumed += (int)count;
        return true;
    }
}
