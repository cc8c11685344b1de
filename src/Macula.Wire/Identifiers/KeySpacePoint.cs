using System.Buffers.Binary;
using System.Numerics;

namespace Macula.Wire.Identifiers;

/// <summary>160 bits, most significant first: what node ids, keys and distances of the DHT are made of.</summary>
internal readonly record struct KeySpacePoint : IComparable<KeySpacePoint>
{
    public const int ByteCount = 20;

    private readonly ulong _high;
    private readonly ulong _middle;
    private readonly uint _low;

    private KeySpacePoint(ulong high, ulong middle, uint low)
    {
        _high = high;
        _middle = middle;
        _low = low;
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out KeySpacePoint point)
    {
        if (bytes.Length != ByteCount)
        {
            point = default;
            return false;
        }

        point = new KeySpacePoint(
            BinaryPrimitives.ReadUInt64BigEndian(bytes),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]));
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out KeySpacePoint point)
    {
        point = default;
        Span<byte> bytes = stackalloc byte[ByteCount];
        return text.Length == 2 * ByteCount
            && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            && TryRead(bytes, out point);
    }

    public static KeySpacePoint Xor(KeySpacePoint left, KeySpacePoint right) =>
        new(left._high ^ right._high, left._middle ^ right._middle, left._low ^ right._low);

    public void CopyTo(Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, ByteCount);
        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _middle);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], _low);
    }

    public int LeadingZeroCount() =>
        _high != 0 ? BitOperations.LeadingZeroCount(_high)
        : _middle != 0 ? 64 + BitOperations.LeadingZeroCount(_middle)
        : 128 + BitOperations.LeadingZeroCount(_low);

    public int CompareTo(KeySpacePoint other)
    {
        var order = _high.CompareTo(other._high);
        if (order == 0)
        {
            order = _middle.CompareTo(other._middle);
        }

        return order != 0 ? order : _low.CompareTo(other._low);
    }

    public override int GetHashCode() => (int)(_high >> 32) ^ (int)_low;

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[ByteCount];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
