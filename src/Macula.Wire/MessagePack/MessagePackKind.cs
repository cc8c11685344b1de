namespace Macula.Wire.MessagePack;

/// <summary>What a MessagePack value is, whatever the width of its encoding.</summary>
public enum MessagePackKind
{
    /// <summary>No value.</summary>
    Nil,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A whole number from -2^63 to 2^64 - 1.</summary>
    Integer,

    /// <summary>An IEEE 754 number of 32 or 64 bits.</summary>
    Float,

    /// <summary>Text in UTF-8.</summary>
    String,

    /// <summary>Bytes.</summary>
    Binary,

    /// <summary>A list of values.</summary>
    Array,

    /// <summary>A list of keys with their values.</summary>
    Map,

    /// <summary>An extension type. It can be skipped and is never part of a <see cref="MeshValue"/>.</summary>
    Extension,
}
