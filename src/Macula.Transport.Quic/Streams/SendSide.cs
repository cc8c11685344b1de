using System.Runtime.InteropServices;
using Macula.Transport.Execution;
using Macula.Transport.Quic.Native;

namespace Macula.Transport.Quic.Streams;

/// <summary>The sending half of a stream: holds what was written until the other side has acknowledged it.</summary>
/// <remarks>
/// Bytes live in native memory, since ngtcp2 refers to them for retransmission until it says otherwise. The application's thread
/// appends, the loop's thread gathers and frees; one short lock is between them.
/// </remarks>
internal sealed unsafe class SendSide(MeshScheduler scheduler, int limitBytes)
{
    // Small writes share a chunk; large ones are cut, so that the lock is held for microseconds only.
    private const int LeastChunkBytes = 256;
    private const int MostChunkBytes = 32 << 10;

    // A waiting writer wakes when a quarter of the buffer is free, not at every acknowledgement.
    private const int WakeFraction = 4;

    private readonly Lock _gate = new();
    private readonly List<Chunk> _chunks = [];
    private StreamFailure? _failure;
    private Completion<Wake>? _writer;
    private Completion<Wake>? _closed;
    private long _acknowledged;
    private long _written;
    private long _sent;
    private int _sendChunk;
    private int _sendOffset;
    private bool _finished;
    private bool _finishSent;
    private bool _finishSentAlone;
    private bool _finishAcknowledged;
    private bool _anythingSent;
    private bool _offered;

    /// <summary>True once any byte or the end was put into a packet.</summary>
    /// <remarks>Also while the loop has bytes in hand: whoever resets the stream then cannot know that they stay here.</remarks>
    public bool AnythingSent => Volatile.Read(ref _anythingSent) || Volatile.Read(ref _offered);

    /// <summary>Takes as many bytes as there is room for.</summary>
    /// <param name="bytes">What to take from; what was taken is cut off.</param>
    /// <param name="end">Whether the stream ends after them; takes effect with the last byte.</param>
    /// <param name="waiter">What to await before trying again; null when all is taken.</param>
    /// <returns>True when anything was taken, so that the loop must be told.</returns>
    public bool Take(ref ReadOnlyMemory<byte> bytes, WriteEnd end, out Completion<Wake>? waiter)
    {
        waiter = null;
        var taken = false;
        while (true)
        {
            lock (_gate)
            {
                ThrowIfUnwritable();
                var count = (int)Math.Min(Math.Min(bytes.Length, MostChunkBytes), limitBytes - (_written - _acknowledged));
                if (bytes.Length > 0 && count == 0)
                {
                    _writer = waiter = new Completion<Wake>(scheduler);
                    return taken;
                }

                Append(bytes.Span[..count]);
                bytes = bytes[count..];
                taken = true;
                if (bytes.IsEmpty)
                {
                    _finished = end == WriteEnd.Finish;
                    return true;
                }
            }
        }
    }

    /// <summary>Points to what is to be sent next. On the loop's thread.</summary>
    /// <param name="vectors">Receives the ranges.</param>
    /// <param name="capacity">How many there may be.</param>
    /// <param name="enoughBytes">Stops when so many are gathered.</param>
    /// <param name="total">How many bytes were gathered.</param>
    /// <param name="finish">Whether the stream ends after them.</param>
    /// <returns>How many ranges were used; -1 when there is nothing to send.</returns>
    public int Gather(NativeVector* vectors, int capacity, int enoughBytes, out int total, out bool finish)
    {
        total = 0;
        lock (_gate)
        {
            finish = false;
            if (_failure is not null || (_sent == _written && (!_finished || _finishSent)))
            {
                return -1;
            }

            var count = 0;
            var offset = _sendOffset;
            for (var i = _sendChunk; i < _chunks.Count && count < capacity && total < enoughBytes; i++)
            {
                var chunk = _chunks[i];
                var length = chunk.Length - offset;
                if (length > 0)
                {
                    vectors[count++] = new NativeVector { Start = chunk.Start + offset, Length = (nuint)length };
                    total += length;
                }

                offset = 0;
            }

            finish = _finished && _sent + total == _written;
            Volatile.Write(ref _offered, true);
            return count;
        }
    }

    /// <summary>Notes that bytes were put into a packet. On the loop's thread.</summary>
    /// <returns>True when more is to be sent.</returns>
    public bool Advance(int bytes, bool withFinish)
    {
        lock (_gate)
        {
            Volatile.Write(ref _anythingSent, true);
            Volatile.Write(ref _offered, false);
            _sent += bytes;
            _finishSent |= withFinish;
            _finishSentAlone |= withFinish && bytes == 0;
            while (bytes > 0)
            {
                var rest = _chunks[_sendChunk].Length - _sendOffset;
                if (bytes < rest)
                {
                    _sendOffset += bytes;
                    break;
                }

                bytes -= rest;
                _sendChunk++;
                _sendOffset = 0;
            }

            // The last chunk may still grow: sending goes on inside it.
            if (_sendChunk == _chunks.Count && _chunks.Count > 0)
            {
                _sendChunk--;
                _sendOffset = _chunks[_sendChunk].Length;
            }

            return _failure is null && (_sent < _written || (_finished && !_finishSent));
        }
    }

    /// <summary>Notes that nothing of what was gathered was put into a packet. On the loop's thread.</summary>
    public void Withdraw() => Volatile.Write(ref _offered, false);

    /// <summary>Frees what the other side has. On the loop's thread.</summary>
    /// <param name="end">Everything before this offset has arrived.</param>
    /// <param name="length">How much of that is new; 0 tells of the stream's end alone.</param>
    public void Acknowledge(long end, long length)
    {
        Completion<Wake>? writer = null;
        Completion<Wake>? closed = null;
        lock (_gate)
        {
            var freed = 0;
            while (freed < _chunks.Count && _chunks[freed].End <= end && (freed < _sendChunk || IsSpentTail(freed)))
            {
                NativeMemory.Free(_chunks[freed].Start);
                freed++;
            }

            if (freed > 0)
            {
                _chunks.RemoveRange(0, freed);
                _sendOffset = freed > _sendChunk ? 0 : _sendOffset;
                _sendChunk = Math.Max(0, _sendChunk - freed);
            }

            _acknowledged = Math.Max(_acknowledged, end);
            if (_writer is not null && limitBytes - (_written - _acknowledged) >= limitBytes / WakeFraction)
            {
                writer = _writer;
                _writer = null;
            }

            // An end that went with the last bytes has arrived with them; one that went alone is told of alone.
            _finishAcknowledged |= _finishSent && (length == 0 || (!_finishSentAlone && _acknowledged == _written));
            if (IsDelivered)
            {
                (closed, _closed) = (_closed, null);
            }
        }

        writer?.TrySetResult(default);
        closed?.TrySetResult(default);
    }

    /// <summary>Says how sending ended, or what to await before asking again.</summary>
    /// <param name="failure">How it ended; null while it has not.</param>
    /// <returns>What to await; null when it has ended.</returns>
    /// <exception cref="InvalidOperationException">Somebody awaits it already.</exception>
    public Completion<Wake>? WatchEnd(out StreamFailure? failure)
    {
        lock (_gate)
        {
            failure = _failure ?? (IsDelivered ? StreamFailure.EndedHere : null);
            if (failure is not null)
            {
                return null;
            }

            return _closed is { IsCompleted: false }
                ? throw new InvalidOperationException("One caller at a time: another one waits for the end of writing.")
                : _closed = new Completion<Wake>(scheduler);
        }
    }

    /// <summary>Ends sending: nothing more is taken or gathered; a waiting writer gets the reason as an exception.</summary>
    /// <returns>False when it had ended before.</returns>
    public bool Fail(StreamFailure failure)
    {
        Completion<Wake>? writer;
        Completion<Wake>? closed;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return false;
            }

            _failure = failure;
            (writer, _writer) = (_writer, null);
            (closed, _closed) = (_closed, null);
        }

        writer?.TrySetResult(default);
        closed?.TrySetResult(default);
        return true;
    }

    /// <summary>True when this side has written the end, or sending has failed: nothing is left for the application to do.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate)
            {
                return _finished || _failure is not null;
            }
        }
    }

    /// <summary>Frees everything, when ngtcp2 no longer refers to it. On the loop's thread.</summary>
    public void Free()
    {
        Fail(StreamFailure.EndedHere);
        lock (_gate)
        {
            foreach (var chunk in _chunks)
            {
                NativeMemory.Free(chunk.Start);
            }

            _chunks.Clear();
            _sendChunk = 0;
            _sendOffset = 0;
        }
    }

    private bool IsDelivered => _finishAcknowledged && _acknowledged == _written;

    private bool IsSpentTail(int index) => index == _sendChunk && _sent == _written && _sendOffset == _chunks[index].Length;

    private void ThrowIfUnwritable()
    {
        if (_failure is not null)
        {
            throw _failure.ToException();
        }

        if (_finished)
        {
            throw new InvalidOperationException("The stream was finished; nothing can follow its end.");
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var room = _chunks.Count == 0 ? 0 : _chunks[^1].Capacity - _chunks[^1].Length;
            if (room == 0)
            {
                var capacity = Math.Clamp(Math.Max(bytes.Length, _chunks.Count == 0 ? 0 : 2 * _chunks[^1].Capacity), LeastChunkBytes, MostChunkBytes);
                _chunks.Add(new Chunk((byte*)NativeMemory.Alloc((nuint)capacity), capacity, 0, _written));
                room = capacity;
            }

            var last = _chunks[^1];
            var count = Math.Min(room, bytes.Length);
            bytes[..count].CopyTo(new Span<byte>(last.Start + last.Length, count));
            _written += count;
            _chunks[^1] = new Chunk(last.Start, last.Capacity, last.Length + count, _written);
            bytes = bytes[count..];
        }
    }

    /// <summary>A piece of native memory: how much of it is filled, and the stream offset after that.</summary>
    private readonly struct Chunk(byte* start, int capacity, int length, long end)
    {
        public readonly byte* Start = start;
        public readonly int Capacity = capacity;
        public readonly int Length = length;
        public readonly long End = end;
    }
}

/// <summary>Says that it is time to look again; carries nothing.</summary>
internal readonly struct Wake;
