namespace Macula.Wire.MessagePack;

public readonly partial struct MeshValue
{
    // IEEE 754-2019 §6.2.1: quiet, without payload; one spelling, as for every other value.
    private const long CanonicalNaN = 0x7ff8_0000_0000_0000;

    /// <summary>A boolean.</summary>
    public static implicit operator MeshValue(bool value) => new(Tag.Boolean, value ? 1 : 0);

    /// <summary>An integer.</summary>
    public static implicit operator MeshValue(int value) => new(Tag.Integer, value);

    /// <summary>An integer.</summary>
    public static implicit operator MeshValue(uint value) => new(Tag.Integer, value);

    /// <summary>An integer.</summary>
    public static implicit operator MeshValue(long value) => new(Tag.Integer, value);

    /// <summary>An integer.</summary>
    public static implicit operator MeshValue(ulong value) => new(value <= long.MaxValue ? Tag.Integer : Tag.UnsignedInteger, (long)value);

    /// <summary>A double; a float is widened exactly. What is no number loses its sign and its payload.</summary>
    public static implicit operator MeshValue(double value) => new(Tag.Float, double.IsNaN(value) ? CanonicalNaN : BitConverter.DoubleToInt64Bits(value));

    /// <summary>A string; null becomes nil.</summary>
    /// <exception cref="ArgumentException">The text holds half of a surrogate pair, which UTF-8 cannot say.</exception>
    public static implicit operator MeshValue(string? value)
    {
        // Looked at here, in the caller, since a value that exists can be sent.
        if (value is not null && HasLoneSurrogate(value))
        {
            throw new ArgumentException("A text of the mesh holds no half of a surrogate pair.", nameof(value));
        }

        return new(value);
    }

    /// <summary>Binary, of a copy of the bytes; null becomes nil.</summary>
    public static implicit operator MeshValue(byte[]? value) => value is null ? default : Binary(value);

    /// <summary>Equality by value.</summary>
    public static bool operator ==(MeshValue left, MeshValue right) => left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(MeshValue left, MeshValue right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(MeshValue other)
    {
        switch (_content)
        {
            case Tag tag:
                return ReferenceEquals(tag, other._content)
                    && (_bits == other._bits || (ReferenceEquals(tag, Tag.Float) && AsDouble().Equals(other.AsDouble())));
            case string text:
                return other._content is string otherText && string.Equals(text, otherText, StringComparison.Ordinal);
            case byte[] bytes:
                return other._content is byte[] otherBytes && bytes.AsSpan().SequenceEqual(otherBytes);
            case MeshArray array:
                return other._content is MeshArray otherArray && array.Items.AsSpan().SequenceEqual(otherArray.Items.AsSpan());
            case MeshMap map:
                return other._content is MeshMap otherMap && HaveSameEntries(map, otherMap);
            default:
                return other._content is null;
        }
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MeshValue other && Equals(other);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode()
    {
        var hash = (int)Kind * 397;
        switch (_content)
        {
            case Tag tag:
                return Mix(hash, ReferenceEquals(tag, Tag.Float) ? AsDouble().GetHashCode() : _bits.GetHashCode());
            case string text:
                foreach (var character in text)
                {
                    hash = Mix(hash, character);
                }

                return hash;
            case byte[] bytes:
                foreach (var value in bytes)
                {
                    hash = Mix(hash, value);
                }

                return hash;
            case MeshArray array:
                foreach (var item in array.Items)
                {
                    hash = Mix(hash, item.GetHashCode());
                }

                return hash;
            case MeshMap map:
                // A sum, since the order of entries does not matter to equality.
                foreach (var (key, value) in map.Entries)
                {
                    hash += Mix(key.GetHashCode(), value.GetHashCode());
                }

                return hash;
            default:
                return hash;
        }
    }

    private static int Mix(int hash, int value) => (int)(((uint)hash ^ (uint)value) * 16777619u);

    private static bool HaveSameEntries(MeshMap left, MeshMap right)
    {
        if (left.Entries.Length != right.Entries.Length)
        {
            return false;
        }

        foreach (var (key, value) in left.Entries)
        {
            if (!right.TryGet(key, out var other) || !value.Equals(other))
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (var index = 0; index < text.Length; index++)
        {
            if (!char.IsSurrogate(text[index]))
            {
                continue;
            }

            if (!char.IsSurrogatePair(text, index))
            {
                return true;
            }

            index++;
        }

        return false;
    }
}
