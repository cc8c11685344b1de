namespace Macula.Wire.MessagePack;

/// <summary>The first bytes of MessagePack values (github.com/msgpack/msgpack, spec.md, "Formats").</summary>
internal static class Format
{
    public const byte FixMap = 0x80;
    public const byte FixArray = 0x90;
    public const byte FixString = 0xa0;
    public const byte Nil = 0xc0;
    public const byte Never = 0xc1;
    public const byte False = 0xc2;
    public const byte True = 0xc3;
    public const byte Binary8 = 0xc4;
    public const byte Extension8 = 0xc7;
    public const byte Float32 = 0xca;
    public const byte Float64 = 0xcb;
    public const byte UInt8 = 0xcc;
    public const byte Int8 = 0xd0;
    public const byte FixExtension1 = 0xd4;
    public const byte String8 = 0xd9;
    public const byte Array16 = 0xdc;
    public const byte Map16 = 0xde;
    public const byte NegativeFixInt = 0xe0;

    public static MessagePackKind KindOf(byte code) => code switch
    {
        < FixMap or >= NegativeFixInt => MessagePackKind.Integer,
        < FixArray => MessagePackKind.Map,
        < FixString => MessagePackKind.Array,
        < Nil => MessagePackKind.String,
        Nil => MessagePackKind.Nil,
        False or True => MessagePackKind.Boolean,
        >= Binary8 and < Extension8 => MessagePackKind.Binary,
        Float32 or Float64 => MessagePackKind.Float,
        >= UInt8 and < FixExtension1 => MessagePackKind.Integer,
        >= String8 and < Array16 => MessagePackKind.String,
        >= Array16 and < Map16 => MessagePackKind.Array,
        >= Map16 => MessagePackKind.Map,
        _ => MessagePackKind.Extension,
    };

    /// <summary>Bytes that follow the code of a value without a length; -1 for one that has a length.</summary>
    public static int FixedBytesAfter(byte code) => code switch
    {
        < FixMap or >= NegativeFixInt or Nil or False or True => 0,
        Float32 => 4,
        Float64 => 8,
        >= UInt8 and < Int8 => 1 << (code - UInt8),
        >= Int8 and < FixExtension1 => 1 << (code - Int8),
        // One byte names the extension's type.
        >= FixExtension1 and < String8 => 1 + (1 << (code - FixExtension1)),
        _ => -1,
    };

    /// <summary>The length that stands in the code itself, with <paramref name="width"/> 0; or the width of the number that follows.</summary>
    public static uint FixedLength(byte code, out int width)
    {
        width = code switch
        {
            >= Binary8 and < Extension8 => 1 << (code - Binary8),
            >= Extension8 and < Float32 => 1 << (code - Extension8),
            >= String8 and < Array16 => 1 << (code - String8),
            >= Array16 and < Map16 => 2 << (code - Array16),
            >= Map16 and < NegativeFixInt => 2 << (code - Map16),
            _ => 0,
        };
        return width != 0 ? 0 : code >= FixString ? code & 0x1fu : code & 0x0fu;
    }
}
