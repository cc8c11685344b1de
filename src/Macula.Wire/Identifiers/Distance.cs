namespace Macula.Wire.Identifiers;

/// <summary>How far two points of the DHT's key space are apart: their XOR, as an unsigned number (Maymounkov &amp; Mazières 2002, §2.1).</summary>
public readonly record struct Distance : IComparable<Distance>
{
    private readonly KeySpacePoint _value;

    internal Distance(KeySpacePoint value) => _value = value;

    /// <summary>Length of the prefix that the two points share, in bits: 0 to 160, which is the distance of a point to itself.</summary>
    public int SharedPrefixBits => _value.LeadingZeroCount();

    /// <inheritdoc/>
    public int CompareTo(Distance other) => _value.CompareTo(other._value);

    /// <summary>A hash that is the same in every process, so that what iterates by it repeats from a seed.</summary>
    public override int GetHashCode() => _value.GetHashCode();

    /// <summary>40 lower-case hexadecimal digits.</summary>
    public override string ToString() => _value.ToString();

    /// <summary>Unsigned order.</summary>
    public static bool operator <(Distance left, Distance right) => left.CompareTo(right) < 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator >(Distance left, Distance right) => left.CompareTo(right) > 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator <=(Distance left, Distance right) => left.CompareTo(right) <= 0;

    /// <summary>Unsigned order.</summary>
    public static bool operator >=(Distance left, Distance right) => left.CompareTo(right) >= 0;
}
