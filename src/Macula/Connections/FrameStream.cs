using System.Buffers;
using Macula.Transport;
using Macula.Wire.Errors;
using Macula.Wire.Frames;

namespace Macula.Connections;

/// <summary>Reads frames from one stream of the transport.</summary>
/// <remarks>One reader at a time.</remarks>
internal sealed class FrameStream(TransportStream stream, int maxBodyBytes, int ownChunkBytes = FrameStream.ChunkBytes)
{
    // Holds a hello whole. A control stream is read as long as its connection lives, so what it holds counts for each idle connection.
    private const int ChunkBytes = 256;

    // Holds several small events, beside what came with the first one.
    private const int LaneChunkBytes = 4096;

    // Holds a small request whole; a large body goes piece by piece into the memory that the frame reader sized.
    private const int PooledChunkBytes = 16 * 1024;

    private readonly FrameReader _reader = new(maxBodyBytes);
    private byte[] _chunk = [];
    private ReadOnlyMemory<byte> _rest;

    /// <summary>Reads the request that the other side sends on a stream that it opened, and the end behind it; of a lane only the first event.</summary>
    /// <param name="stream">A stream that nothing was read from.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The frame, or what is wrong, never neither; and the rest of a lane.</returns>
    public static async ValueTask<(FrameRead First, FrameStream Others)> ReadRequestAsync(TransportStream stream, CancellationToken cancellationToken)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(PooledChunkBytes);
        var frames = new FrameStream(stream, FrameLimits.MaxBodyBytes, LaneChunkBytes) { _chunk = chunk };
        try
        {
            var first = await frames.ReadOnlyFrameAsync(request: null, cancellationToken);
            frames.KeepRest();
            return (first, frames);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>Reads the answer that the other side sends on a stream that this side opened, and the end behind it.</summary>
    /// <param name="stream">A stream that nothing was read from.</param>
    /// <param name="request">What was asked, which decides what may be answered.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The frame, or what is wrong; never neither.</returns>
    public static async ValueTask<FrameRead> ReadAnswerAsync(TransportStream stream, FrameType request, CancellationToken cancellationToken)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(PooledChunkBytes);
        try
        {
            return await new FrameStream(stream, FrameLimits.MaxBodyBytes) { _chunk = chunk }.ReadOnlyFrameAsync(request, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>Reads the next frame, or the end, or what is wrong.</summary>
    /// <exception cref="StreamAbortedException">The other side reset the stream.</exception>
    /// <exception cref="ConnectionClosedException">The connection ended.</exception>
    public async ValueTask<FrameRead> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_reader.TryRead(_rest.Span, out var consumed, out var frame))
            {
                _rest = _rest[consumed..];
                return new FrameRead(frame, null);
            }

            if (_reader.Error is { } error)
            {
                return new FrameRead(null, error);
            }

            if (_chunk.Length == 0)
            {
                _chunk = new byte[ownChunkBytes];
            }

            var read = await stream.ReadAsync(_chunk, cancellationToken);
            if (read == 0)
            {
                return new FrameRead(null, _reader.TryEnd() ? null : _reader.Error);
            }

            _rest = _chunk.AsMemory(0, read);
        }
    }

    // A lane is read as long as its connection lives: it gets a buffer of its own in place of the borrowed one.
    private void KeepRest()
    {
        var rest = _rest;
        _chunk = rest.IsEmpty ? [] : new byte[Math.Max(rest.Length, LaneChunkBytes)];
        rest.CopyTo(_chunk);
        _rest = _chunk.AsMemory(0, rest.Length);
    }

    private async ValueTask<FrameRead> ReadOnlyFrameAsync(FrameType? request, CancellationToken cancellationToken)
    {
        var first = await ReadAsync(cancellationToken);
        if (first.Frame is not { } frame)
        {
            return first.Error is null
                ? new FrameRead(null, new ProtocolError(ErrorCode.UnexpectedFrame, "RPC-1", "the stream ended before its frame"))
                : first;
        }

        var verdict = request is { } asked ? FramePlaces.JudgeAnswer(asked, frame.Type, out var misplaced) : FramePlaces.Judge(frame.Type, FramePlace.Request, out misplaced);
        if (verdict == FrameVerdict.Refuse)
        {
            return new FrameRead(null, misplaced);
        }

        if (request is null && frame.Type == FrameType.Event)
        {
            // [FRM-65]: any number of others follow.
            return first;
        }

        var second = await ReadAsync(cancellationToken);
        if (second.Frame is { } surplus)
        {
            FramePlaces.Judge(surplus.Type, FramePlace.AfterLast, out misplaced);
            return new FrameRead(null, misplaced);
        }

        return second.Error is null ? first : second;
    }
}

/// <summary>What reading a stream gave: a frame, or the reason why there is none; neither at the stream's end.</summary>
internal readonly record struct FrameRead(Frame? Frame, ProtocolError? Error);
