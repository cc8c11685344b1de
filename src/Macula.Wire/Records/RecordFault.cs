using Macula.Wire.Errors;

namespace Macula.Wire.Records;

/// <summary>What can be wrong with records, contacts and their fields, each with its requirement.</summary>
internal static class RecordFault
{
    public static readonly ProtocolError TooFewElements = Frame("FRM-5", "an array has fewer elements than its type has fields");
    public static readonly ProtocolError Point = Frame("FRM-40", "a node id or key has not 20 bytes");
    public static readonly ProtocolError Address = Frame("FRM-41", "an address is not one of 6 or 18 bytes in its one form");
    public static readonly ProtocolError TooManyAddresses = Frame("FRM-41", "more addresses are named than may be");
    public static readonly ProtocolError TooManyContacts = Frame("FRM-42", "an answer names more contacts than may be");
    public static readonly ProtocolError TooLong = Record("REC-2", "a record is longer than it may be");
    public static readonly ProtocolError NotCanonical = Record("REC-3", "a record is not in the one form that it has");
    public static readonly ProtocolError Kind = Record("REC-4", "a record is of a kind that this node does not know");
    public static readonly ProtocolError Fields = Record("REC-4", "a field of a record is outside its range");
    public static readonly ProtocolError TimeToLive = Record("REC-5", "a record lives less than a minute or more than a day");
    public static readonly ProtocolError Key = Record("REC-6", "a record's key is not that of its content");

    /// <summary>What the reader of MessagePack found inside a record makes the record invalid, not the frame around it.</summary>
    public static ProtocolError Inside(ProtocolError error) => error with { Code = ErrorCode.RecordInvalid };

    private static ProtocolError Frame(string requirement, string detail) => new(ErrorCode.MalformedFrame, requirement, detail);

    private static ProtocolError Record(string requirement, string detail) => new(ErrorCode.RecordInvalid, requirement, detail);
}
