using Macula.Wire.Errors;

namespace Macula.Wire.MessagePack;

/// <summary>What can be wrong with bytes that claim to be MessagePack, each with its requirement in docs/protocol/00-conventions.md.</summary>
internal static class MessagePackFault
{
    public static readonly ProtocolError TrailingBytes = Malformed("MSG-1", "bytes follow the value");
    public static readonly ProtocolError Truncated = Malformed("MSG-2", "a value goes beyond the end of its bytes");
    public static readonly ProtocolError Reserved = Malformed("MSG-2", "0xc1 begins no value");
    public static readonly ProtocolError IntegerRange = Malformed("MSG-4", "an integer does not fit its field");
    public static readonly ProtocolError InvalidUtf8 = Malformed("MSG-5", "a string is not valid UTF-8");
    public static readonly ProtocolError TooDeep = Malformed("MSG-7", "containers nest too deep");
    public static readonly ProtocolError CountBeyondEnd = Malformed("MSG-8", "a container announces more elements than bytes are left");
    public static readonly ProtocolError TooManyElements = TooLarge("MSG-9", "the value has more elements than the limit");
    public static readonly ProtocolError TooManyBytes = TooLarge("MSG-9", "the value has more bytes than the limit");
    public static readonly ProtocolError StringTooLong = TooLarge("MSG-9", "a string is longer than the limit of its field");
    public static readonly ProtocolError BinaryTooLong = TooLarge("MSG-9", "a binary is longer than the limit of its field");
    public static readonly ProtocolError KeyKind = Malformed("MSG-10", "a key of a map is neither a string nor an integer");
    public static readonly ProtocolError DuplicateKey = Malformed("MSG-10", "a map holds a key twice");
    public static readonly ProtocolError Extension = Malformed("MSG-11", "a value is of an extension type");

    public static ProtocolError WrongKind(MessagePackKind wanted, MessagePackKind found) =>
        found == MessagePackKind.Extension ? Extension : Malformed("MSG-3", $"a value of kind {found} stands where {wanted} belongs");

    private static ProtocolError Malformed(string requirement, string detail) => new(ErrorCode.MalformedFrame, requirement, detail);

    private static ProtocolError TooLarge(string requirement, string detail) => new(ErrorCode.FrameTooLarge, requirement, detail);
}
