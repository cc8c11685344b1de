using System.Buffers;
using Macula.Wire.Errors;

namespace Macula.Wire.Frames;

/// <summary>Cuts one stream into frames, however its bytes are split and merged on the way (docs/protocol/03-frames.md [FRM-1] to [FRM-4]).</summary>
/// <remarks>
/// It holds at most one unfinished frame: never more than the limit, and never more than 1 KiB or twice the bytes that have come, since a length
/// that is announced is a promise of a stranger. After an error it takes nothing more. One stream, one reader; not for several threads at once.
/// </remarks>
public sealed class FrameReader
{
    // The first piece of a body's memory: most bodies fit, and a thousand streams that only announce cost 1 MiB.
    private const int FirstPieceBytes = 1024;

    private readonly ulong _maxBodyBytes;
    private readonly byte[] _header = new byte[FrameHeader.MaxBytes];
    private int _headerBytes;
    private FrameType _type;
    private int _announcedBytes;
    private byte[]? _body;
    private int _bodyBytes;

    /// <summary>Begins at the first byte of a stream.</summary>
    /// <param name="maxBodyBytes">Most bytes that a body may have, at least 0: <see cref="FrameLimits.MaxBodyBytes"/> or <see cref="FrameLimits.MaxControlBodyBytes"/>.</param>
    public FrameReader(int maxBodyBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBodyBytes);
        _maxBodyBytes = (ulong)maxBodyBytes;
    }

    /// <summary>What is wrong with the stream; null while nothing is.</summary>
    public ProtocolError? Error { get; private set; }

    /// <summary>Takes bytes of the stream up to the end of the next frame.</summary>
    /// <param name="source">What came, without what earlier calls have consumed.</param>
    /// <param name="consumed">Bytes taken; all of them when the answer is false and there is no error.</param>
    /// <param name="frame">The frame; default when the answer is false.</param>
    /// <returns>True for a frame: call again with the rest. False when more bytes are needed or <see cref="Error"/> is set.</returns>
    public bool TryRead(ReadOnlySpan<byte> source, out int consumed, out Frame frame)
    {
        frame = default;
        consumed = 0;
        if (Error is not null || (_body is null && !TryTakeHeader(source, out consumed)))
        {
            return false;
        }

        var piece = source[consumed..];
        piece = piece[..Math.Min(piece.Length, _announcedBytes - _bodyBytes)];
        Grow(_bodyBytes + piece.Length);
        piece.CopyTo(_body.AsSpan(_bodyBytes));
        _bodyBytes += piece.Length;
        consumed += piece.Length;
        if (_bodyBytes < _announcedBytes)
        {
            return false;
        }

        frame = new Frame(_type, _body);
        _body = null;
        _bodyBytes = 0;
        _headerBytes = 0;
        return true;
    }

    /// <summary>Says whether the stream may end here; in the middle of a frame it may not, which becomes the <see cref="Error"/>.</summary>
    public bool TryEnd()
    {
        // [FRM-4]: what is cut off is not half a frame but none.
        if (Error is null && (_headerBytes > 0 || _body is not null))
        {
            Error = FrameFault.Truncated;
        }

        return Error is null;
    }

    private bool TryTakeHeader(ReadOnlySpan<byte> source, out int consumed)
    {
        // A header is short, so its bytes are gathered in one place whether they came together or one by one.
        consumed = Math.Min(source.Length, _header.Length - _headerBytes);
        source[..consumed].CopyTo(_header.AsSpan(_headerBytes));
        var gathered = _headerBytes + consumed;
        switch (FrameHeader.Read(_header.AsSpan(0, gathered), out var header, out var headerBytes))
        {
            case OperationStatus.NeedMoreData:
                _headerBytes = gathered;
                return false;
            case OperationStatus.Done:
                break;
            default:
                Error = FrameFault.OverlongVarint;
                return false;
        }

        consumed = headerBytes - _headerBytes;
        var limit = Math.Min(_maxBodyBytes, (ulong)FrameLimits.MaxBodyBytesOf(header.Type));
        if (header.BodyBytes > limit)
        {
            // [FRM-3]: refused by its announcement, before a byte of it is kept.
            Error = FrameFault.TooLong;
            return false;
        }

        _headerBytes = headerBytes;
        _type = header.Type;
        _announcedBytes = (int)header.BodyBytes;
        _body = [];
        return true;
    }

    private void Grow(int neededBytes)
    {
        if (neededBytes <= _body!.Length)
        {
            return;
        }

        // Doubling up to the announced length, so that a finished body fills its array and is given away without a copy.
        var wanted = Math.Max(neededBytes, Math.Max(FirstPieceBytes, 2 * _body.Length));
        Array.Resize(ref _body, Math.Min(wanted, _announcedBytes));
    }
}
