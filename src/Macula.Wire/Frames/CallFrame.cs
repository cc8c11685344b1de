using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Macula.Wire.Errors;
using Macula.Wire.Identifiers;
using Macula.Wire.MessagePack;

namespace Macula.Wire.Frames;

/// <summary>What a caller allows the provider to do with its call. Bits that are not named here are ignored.</summary>
[Flags]
public enum CallFlags
{
    /// <summary>The handler runs at most once.</summary>
    None = 0,

    /// <summary>The handler may run more than once, so the call may be repeated when its outcome is unknown.</summary>
    Idempotent = 1,
}

/// <summary>A procedure, its argument and what the caller asks of the call (docs/protocol/03-frames.md [FRM-20] to [FRM-24]).</summary>
// array: str procedure | uint time left (ms) | uint flags | uint content type | bin argument | str trace parent or nil | elements of newer nodes
public sealed record CallFrame
{
    /// <summary>The longest time that a call may have: 24 hours.</summary>
    public static TimeSpan MaxTimeLeft { get; } = TimeSpan.FromDays(1);

    private const int FieldCount = 6;
    private const CallFlags KnownFlags = CallFlags.Idempotent;

    /// <summary>Describes a call.</summary>
    /// <param name="procedure">What is called.</param>
    /// <param name="timeLeft">Time until the caller's deadline, above zero, at most <see cref="MaxTimeLeft"/>; a started millisecond counts whole.</param>
    /// <param name="argument">What the handler is given.</param>
    /// <param name="flags">What the caller allows.</param>
    /// <param name="traceParent">The caller's trace as the W3C header <c>traceparent</c> has it, 55 characters; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not above zero or longer than a day.</exception>
    /// <exception cref="ArgumentException">The trace parent is not of the W3C's form.</exception>
    public CallFrame(ProcedureName procedure, TimeSpan timeLeft, Payload argument, CallFlags flags = CallFlags.None, string? traceParent = null)
    {
        ArgumentNullException.ThrowIfNull(procedure);
        ArgumentNullException.ThrowIfNull(argument);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeLeft, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeLeft, MaxTimeLeft);
        Frames.TraceParent.ThrowIfInvalid(traceParent);
        Procedure = procedure;
        TimeLeft = TimeSpan.FromMilliseconds(Math.Ceiling(timeLeft.TotalMilliseconds));
        Argument = argument;
        Flags = flags & KnownFlags;
        TraceParent = traceParent;
    }

    /// <summary>What is called.</summary>
    public ProcedureName Procedure { get; }

    /// <summary>Time until the caller's deadline when it sent the call, in whole milliseconds; a duration, since clocks of two machines differ.</summary>
    public TimeSpan TimeLeft { get; }

    /// <summary>What the handler is given.</summary>
    public Payload Argument { get; }

    /// <summary>What the caller allows.</summary>
    public CallFlags Flags { get; }

    /// <summary>The caller's trace as the W3C header <c>traceparent</c> has it; null for none.</summary>
    public string? TraceParent { get; }

    /// <summary>Writes the frame with its header.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var milliseconds = (ulong)TimeLeft.TotalMilliseconds;
        var bytes = EncodedBytes.OfString(Procedure.Value)
            + EncodedBytes.OfInteger(milliseconds)
            + EncodedBytes.OfInteger((ulong)Flags)
            + Argument.EncodedBytes
            + Frames.TraceParent.EncodedBytesOf(TraceParent);
        var writer = FrameFields.Begin(output, FrameType.Call, FieldCount, bytes);
        writer.WriteString(Procedure.Value);
        writer.WriteInteger(milliseconds);
        writer.WriteInteger((ulong)Flags);
        Argument.Write(writer);
        Frames.TraceParent.Write(writer, TraceParent);
    }

    /// <summary>Reads the body of a call.</summary>
    /// <param name="body">The frame's body; the argument shares its memory, unless there is much else in it.</param>
    /// <param name="frame">The call; null when the answer is false.</param>
    /// <param name="error">
    /// What is wrong. <see cref="ErrorCode.InvalidName"/>, <see cref="ErrorCode.UnknownContentType"/> and <see cref="ErrorCode.PayloadTooLarge"/> are for an
    /// error frame that says that the call did not start; every other code ends the stream.
    /// </param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out CallFrame? frame, out ProtocolError error) =>
        FrameFields.TryRead(body, FieldCount, ReadFields, out frame, out error);

    private static CallFrame? ReadFields(ref MessagePackReader reader, ReadOnlyMemory<byte> body) =>
        TryReadProcedure(ref reader, out var procedure)
            && TryReadTimeLeft(ref reader, out var timeLeft)
            && reader.TryReadUInt64(out var flags)
            && Payload.TryRead(ref reader, body, out var argument)
            && Frames.TraceParent.TryRead(ref reader, out var traceParent)
            ? new CallFrame(procedure!, timeLeft, argument!, (CallFlags)(flags & (ulong)KnownFlags), traceParent) : null;

    private static bool TryReadProcedure(ref MessagePackReader reader, out ProcedureName? procedure)
    {
        procedure = null;
        // [FRM-20]: a string of any length is a name that breaks the rules, not a frame that does.
        return reader.TryReadUtf8(int.MaxValue, out var name)
            && (ProcedureName.TryRead(name, out procedure)
                || reader.Fail(new ProtocolError(ErrorCode.InvalidName, "FRM-20", "the procedure's name breaks the rules for names")));
    }

    private static bool TryReadTimeLeft(ref MessagePackReader reader, out TimeSpan timeLeft)
    {
        timeLeft = default;
        if (!reader.TryReadUInt64(out var milliseconds))
        {
            return false;
        }

        // [FRM-21]: a call without time left is not sent, and one without end is not accepted.
        if (milliseconds == 0 || milliseconds > MaxTimeLeft.TotalMilliseconds)
        {
            return reader.Fail(FrameFault.Malformed("FRM-21", "the time left is not 1 ms to 24 h"));
        }

        timeLeft = TimeSpan.FromMilliseconds((double)milliseconds);
        return true;
    }
}
