using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Macula.Wire.Errors;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>How far a call had come when it failed.</summary>
public enum CallExecution
{
    /// <summary>The handler was not called, so the call may be repeated elsewhere.</summary>
    NotStarted = 0,

    /// <summary>The handler ran, at least in part; repeating is safe only for an idempotent call.</summary>
    Started = 1,

    /// <summary>Nobody can tell, as after a connection that ended; never on the wire.</summary>
    Unknown = 2,
}

/// <summary>Why a call returned nothing (docs/protocol/03-frames.md [FRM-31] to [FRM-33]).</summary>
// array: uint code | str message | uint execution | elements of newer nodes
public sealed record ErrorFrame
{
    /// <summary>Most bytes of a message.</summary>
    public const int MaxMessageBytes = 1024;

    private const int FieldCount = 3;

    // Three bytes of UTF-8: tells a reader that the handler had more to say.
    private const string CutMark = "…";

    /// <summary>Describes a failure.</summary>
    /// <param name="code">Why; not <see cref="ErrorCode.NoError"/>.</param>
    /// <param name="message">For people. What is longer than <see cref="MaxMessageBytes"/> in UTF-8 is cut between two characters and ends with "…"; halves of surrogate pairs become U+FFFD.</param>
    /// <param name="execution">How far the call had come; unknown is written as started, the cautious reading.</param>
    public ErrorFrame(ErrorCode code, string message, CallExecution execution)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (code == ErrorCode.NoError)
        {
            throw new ArgumentOutOfRangeException(nameof(code), code, "An error frame says what went wrong.");
        }

        Code = code;
        Message = Fit(message);
        Execution = execution == CallExecution.NotStarted ? CallExecution.NotStarted : CallExecution.Started;
    }

    /// <summary>Why.</summary>
    public ErrorCode Code { get; }

    /// <summary>What happened, for people; possibly empty.</summary>
    public string Message { get; }

    /// <summary>How far the call had come.</summary>
    public CallExecution Execution { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var bytes = EncodedBytes.OfInteger((ulong)Code) + EncodedBytes.OfString(Message) + EncodedBytes.OfInteger((ulong)Execution);
        var writer = FrameFields.Begin(output, FrameType.Error, FieldCount, bytes);
        writer.WriteInteger((ulong)Code);
        writer.WriteString(Message);
        writer.WriteInteger((ulong)Execution);
    }

    /// <summary>Reads the body of an error.</summary>
    /// <param name="body">The frame's body.</param>
    /// <param name="frame">The error; null when the answer is false.</param>
    /// <param name="error">What is wrong with the frame; the stream ends with its code.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out ErrorFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    // [FRM-33]: a number that is not known counts as started, the cautious reading.
    private static ErrorFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        TryReadCode(ref reader, out var code)
            && reader.TryReadString(MaxMessageBytes, out var message)
            && reader.TryReadUInt64(out var execution)
            ? new ErrorFrame(code, message, execution == 0 ? CallExecution.NotStarted : CallExecution.Started) : null;

    private static bool TryReadCode(ref MessagePackReader reader, out ErrorCode code)
    {
        code = ErrorCode.InternalError;
        if (!reader.TryReadUInt64(out var number))
        {
            return false;
        }

        // [FRM-31]: an error without an error would leave the caller without an outcome.
        code = ErrorCodes.FromWire(number);
        return code != ErrorCode.NoError || reader.Fail(FrameFault.Malformed("FRM-31", "an error frame says that nothing went wrong"));
    }

    private static string Fit(string message)
    {
        var utf8 = Encoding.UTF8.GetBytes(message);
        if (utf8.Length <= MaxMessageBytes)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        var end = MaxMessageBytes - Encoding.UTF8.GetByteCount(CutMark);
        // RFC 3629 §3: bytes that continue a character begin with the bits 10.
        while ((utf8[end] & 0xc0) == 0x80)
        {
            end--;
        }

        return Encoding.UTF8.GetString(utf8, 0, end) + CutMark;
    }
}
