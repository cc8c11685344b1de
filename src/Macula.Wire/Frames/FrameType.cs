namespace Macula.Wire.Frames;

/// <summary>What a frame is (docs/protocol/03-frames.md [FRM-2]). Numbers that are not named here come from newer nodes.</summary>
public enum FrameType : ulong
{
    /// <summary>Versions and features of a node; the first frame of its control stream.</summary>
    Hello = 0x01,

    /// <summary>Its sender opens no more streams on the connection; later on a control stream.</summary>
    Drain = 0x02,

    /// <summary>A procedure and its argument; the first frame of a bidirectional stream.</summary>
    Call = 0x10,

    /// <summary>What a call returned.</summary>
    Result = 0x11,

    /// <summary>Why a call returned nothing.</summary>
    Error = 0x12,

    /// <summary>An event of a publisher; the first frame of a bidirectional stream, and every later one from the side that opened it.</summary>
    Event = 0x13,

    /// <summary>Asks whether a node is there.</summary>
    Ping = 0x20,

    /// <summary>Asks for the nodes nearest to a point.</summary>
    FindNode = 0x21,

    /// <summary>Asks for the records under a key.</summary>
    FindValue = 0x22,

    /// <summary>Asks a node to hold a record.</summary>
    Store = 0x23,

    /// <summary>Asks a holder to push what changes under a key.</summary>
    Watch = 0x24,

    /// <summary>What changed under a watched key.</summary>
    Push = 0x25,

    /// <summary>Asks for a certificate by its hash.</summary>
    GetCertificate = 0x26,

    /// <summary>Answers a ping, a push or a lane of events.</summary>
    Done = 0x30,

    /// <summary>The nodes nearest to a point.</summary>
    Nodes = 0x31,

    /// <summary>One page of the records under a key.</summary>
    Records = 0x32,

    /// <summary>Says which record a holder has after a STORE.</summary>
    Stored = 0x33,

    /// <summary>Says for how long a holder pushes.</summary>
    Watching = 0x34,

    /// <summary>What GET_CERTIFICATE asked for.</summary>
    Certificate = 0x36,
}
