using System.Buffers;
using Macula.Transport.Execution;

namespace Macula.Transport.Quic.Streams;

/// <summary>The receiving half of a stream: holds what arrived, in order, until the application reads it.</summary>
/// <remarks>
/// The loop's thread appends, the application's reads; one short lock is between them. What is held is bounded by the credit that the
/// other side has, which grows only as the application reads.
/// </remarks>
internal sealed class ReceiveSide(MeshScheduler scheduler)
{
    // Segments grow with what arrives before it is read: a small message costs little, a bulk transfer few segments.
    private const int LeastSegmentBytes = 256;
    private const int MostSegmentBytes = 16 << 10;

    private readonly Lock _gate = new();
    private readonly Queue<Segment> _segments = new(1);
    private Segment? _last;
    private StreamFailure? _failure;
    private Completion<Wake>? _reader;
    private int _held;
    private bool _finished;
    private bool _endRead;

    /// <summary>Takes what arrived. On the loop's thread.</summary>
    /// <returns>False when nobody will read it; the caller gives the credit back.</returns>
    public bool Append(ReadOnlySpan<byte> bytes, WriteEnd end)
    {
        Completion<Wake>? reader;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return false;
            }

            while (!bytes.IsEmpty)
            {
                if (_last is null || _last.End == _last.Buffer.Length)
                {
                    var wanted = Math.Clamp(Math.Max(bytes.Length, _held), LeastSegmentBytes, MostSegmentBytes);
                    _last = new Segment(ArrayPool<byte>.Shared.Rent(wanted));
                    _segments.Enqueue(_last);
                }

                var count = Math.Min(bytes.Length, _last.Buffer.Length - _last.End);
                bytes[..count].CopyTo(_last.Buffer.AsSpan(_last.End));
                _last.End += count;
                _held += count;
                bytes = bytes[count..];
            }

            _finished |= end == WriteEnd.Finish;
            reader = _reader;
            _reader = null;
        }

        reader?.TrySetResult(default);
        return true;
    }

    /// <summary>Reads what is there.</summary>
    /// <param name="buffer">Receives the bytes.</param>
    /// <param name="waiter">What to await before trying again; null when the result counts.</param>
    /// <returns>How many bytes were read; 0 at the end.</returns>
    public int Read(Span<byte> buffer, out Completion<Wake>? waiter)
    {
        waiter = null;
        lock (_gate)
        {
            if (_held > 0)
            {
                return Copy(buffer);
            }

            if (_finished)
            {
                _endRead = true;
                return 0;
            }

            if (_failure is not null)
            {
                throw _failure.ToException();
            }

            if (_reader is { IsCompleted: false })
            {
                throw new InvalidOperationException("Somebody else reads this stream; it has one reader at a time.");
            }

            _reader = waiter = new Completion<Wake>(scheduler);
            return 0;
        }
    }

    /// <summary>Ends receiving; a waiting reader gets the reason as an exception.</summary>
    /// <param name="failure">Why.</param>
    /// <param name="held">Whether what arrived before can still be read.</param>
    /// <returns>How many bytes were dropped, whose credit the caller gives back.</returns>
    public int Fail(StreamFailure failure, HeldBytes held)
    {
        Completion<Wake>? reader;
        var dropped = 0;
        lock (_gate)
        {
            if (_failure is not null || _endRead)
            {
                return 0;
            }

            _failure = failure;
            if (held == HeldBytes.Drop)
            {
                dropped = _held;
                _held = 0;
                _finished = false;
                while (_segments.TryDequeue(out var segment))
                {
                    ArrayPool<byte>.Shared.Return(segment.Buffer);
                }

                _last = null;
            }

            reader = _reader;
            _reader = null;
        }

        reader?.TrySetResult(default);
        return dropped;
    }

    /// <summary>True when the application has read the end, or receiving has failed: nothing is left for it to do.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate)
            {
                return _endRead || _failure is not null;
            }
        }
    }

    private int Copy(Span<byte> buffer)
    {
        var copied = 0;
        while (copied < buffer.Length && _segments.TryPeek(out var segment))
        {
            var count = Math.Min(buffer.Length - copied, segment.End - segment.Start);
            segment.Buffer.AsSpan(segment.Start, count).CopyTo(buffer[copied..]);
            segment.Start += count;
            copied += count;
            if (segment.Start < segment.End)
            {
                break;
            }

            _segments.Dequeue();
            ArrayPool<byte>.Shared.Return(segment.Buffer);
            _last = _segments.Count == 0 ? null : _last;
        }

        _held -= copied;
        return copied;
    }

    private sealed class Segment(byte[] buffer)
    {
        public readonly byte[] Buffer = buffer;
        public int Start;
        public int End;
    }
}

/// <summary>What becomes of bytes that arrived before a failure.</summary>
internal enum HeldBytes
{
    /// <summary>They can still be read; the failure comes after them.</summary>
    Keep,

    /// <summary>They are dropped.</summary>
    Drop,
}
