using System.Buffers;

namespace Macula.Wire.Frames;

// varint type | varint body length in bytes
/// <summary>What stands before a frame's body (docs/protocol/03-frames.md [FRM-1]).</summary>
/// <param name="Type">What the frame is; any number up to <see cref="Varint.MaxValue"/>.</param>
/// <param name="BodyBytes">Length of the body that follows, 0 to <see cref="Varint.MaxValue"/>.</param>
public readonly record struct FrameHeader(FrameType Type, ulong BodyBytes)
{
    /// <summary>Most bytes that a header takes.</summary>
    public const int MaxBytes = 2 * Varint.MaxBytes;

    /// <summary>Reads a header from the start of <paramref name="source"/>. It does not judge the length: that is the reader's part.</summary>
    /// <param name="source">Bytes as they came.</param>
    /// <param name="header">The header; default unless the answer is <see cref="OperationStatus.Done"/>.</param>
    /// <param name="bytesRead">Bytes that it takes; 0 unless the answer is <see cref="OperationStatus.Done"/>.</param>
    /// <returns>Done, NeedMoreData, or InvalidData for a varint in a longer form than it needs [VAR-1].</returns>
    public static OperationStatus Read(ReadOnlySpan<byte> source, out FrameHeader header, out int bytesRead)
    {
        header = default;
        bytesRead = 0;
        var status = Varint.Read(source, out var type, out var typeBytes);
        if (status != OperationStatus.Done)
        {
            return status;
        }

        status = Varint.Read(source[typeBytes..], out var bodyBytes, out var lengthBytes);
        if (status == OperationStatus.Done)
        {
            header = new FrameHeader((FrameType)type, bodyBytes);
            bytesRead = typeBytes + lengthBytes;
        }

        return status;
    }

    /// <summary>Writes the header; the body must follow.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Type or length is greater than <see cref="Varint.MaxValue"/>.</exception>
    public void Write(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var span = output.GetSpan(MaxBytes);
        var written = Varint.Write(span, (ulong)Type);
        written += Varint.Write(span[written..], BodyBytes);
        output.Advance(written);
    }
}
